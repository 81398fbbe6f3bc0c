"""Embedded servers for the length of a test session."""

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from deploy.local.child_process import ChildProcess, ProcessSpec
from deploy.local.embedded_server import EmbeddedServer

_READY_SECONDS = 30.0
_POLL_SECONDS = 0.01


@contextmanager
def running(server: EmbeddedServer) -> Generator[ChildProcess]:
    """Prepare and start `server`, wait until it answers, stop it at the end."""
    server.prepare()
    child = start_ready(server)
    try:
        yield child
    finally:
        child.stop()


def start_ready(server: EmbeddedServer) -> ChildProcess:
    """Start a prepared server and wait until it answers."""
    child = ChildProcess(dying_with_us(server.process()))
    deadline = time.monotonic() + _READY_SECONDS
    while not server.is_ready():
        if child.poll() is not None or time.monotonic() > deadline:
            child.stop()
            raise RuntimeError(f"{child.spec.name} did not start:\n{child.spec.log.read_text()}")
        time.sleep(_POLL_SECONDS)
    return child


def dying_with_us(spec: ProcessSpec) -> ProcessSpec:
    """The same process, which gets its stop signal when we die: a killed test session must leave
    nothing behind."""
    # The wrapper goes after `unshare`, because entering a user namespace clears that signal.
    setpriv = shutil.which("setpriv")
    if setpriv is None or spec.user is not None:
        return spec
    inner = 4 if spec.command[0] == "unshare" else 0
    wrapper = (setpriv, "--pdeathsig", spec.stop_signal.name.removeprefix("SIG"), "--")
    return replace(spec, command=(*spec.command[:inner], *wrapper, *spec.command[inner:]))
