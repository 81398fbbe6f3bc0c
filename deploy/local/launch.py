"""Starting and stopping the stack from another process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from deploy.local.layout import CHECKOUT, Layout
from deploy.local.leftovers import leftovers, stop_leftovers
from deploy.local.log_files import last_lines
from deploy.local.loopback import answers_ok
from deploy.local.ports import SERVICES, load_ports
from deploy.local.stack_error import LocalStackError
from deploy.local.stack_status import Phase, load_status
from deploy.local.supervisor_lock import supervisor_pid
from libs.common.exit_status import CANNOT_START

Say = Callable[[str], None]

_POLL_SECONDS = 0.05
_START_SECONDS = 400.0
_READY_SECONDS = 90.0
_STOP_SECONDS = 90.0
_CRASHES_TO_GIVE_UP = 4
_LINES_OF_A_START = 50
_ENDING = frozenset({Phase.STOPPING, Phase.STOPPED, Phase.FAILED})


class _CannotStart(LocalStackError):
    """A service refuses its environment."""


def up(layout: Layout, say: Say, *, module: str = "deploy.local") -> dict[str, int]:
    """Start the stack if it does not run, and return its ports once every service is ready.

    `module` is the supervisor's program. `say` gets a line whenever what we wait for changes.
    Raises LocalStackError. The stack is stopped again when a service says that it cannot work with
    its environment, and left running when one only is not ready.
    """
    layout.create()
    _let_it_end(layout)
    starter: subprocess.Popen[bytes] | None = None
    if supervisor_pid(layout) is None:
        starter = _detach(layout, module)
    else:
        say("The supervisor is running already.")
    _wait_for_services(layout, starter, say)
    ports = load_ports(layout.ports)
    try:
        _wait_until_ready(layout, ports, say)
    except _CannotStart:
        down(layout, lambda _: None)
        raise
    return ports


def down(layout: Layout, say: Say) -> bool:
    """Stop the stack in order, or what a killed supervisor left of it. False when nothing was
    running. Raises LocalStackError."""
    pid = supervisor_pid(layout)
    if pid is None:
        status = load_status(layout.status)
        if names := leftovers(status):
            say(f"The supervisor is gone; ending what it left running: {', '.join(names)}")
        return bool(stop_leftovers(status))
    say("Stopping the services, then the servers.")
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while supervisor_pid(layout) is not None:
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"The supervisor (pid {pid}) did not stop within {_STOP_SECONDS:g} s.",
                remedy=f"Read {layout.log('supervisor')}; kill -9 {pid} and run this again.",
            )
        time.sleep(_POLL_SECONDS)
    return True


def readiness(ports: Mapping[str, int]) -> dict[str, bool]:
    """Whether each service answers /readyz with 200 now."""
    return {name: name in ports and answers_ok(ports[name], "/readyz") for name in SERVICES}


def _detach(layout: Layout, module: str) -> subprocess.Popen[bytes]:
    with layout.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=CHECKOUT,
            env=os.environ | {"HEDDLE_STATE_DIR": str(layout.root)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Its own session: closing the terminal must not end the platform.
            start_new_session=True,
        )
    # It outlives us on purpose; should it end first, somebody must collect its exit.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def _let_it_end(layout: Layout) -> None:
    """Wait for a supervisor that is on its way out, so that the next one finds the lock free."""
    deadline = time.monotonic() + _STOP_SECONDS
    while (pid := supervisor_pid(layout)) is not None and time.monotonic() < deadline:
        status = load_status(layout.status)
        if status is None or status.supervisor != pid or status.phase not in _ENDING:
            return
        time.sleep(_POLL_SECONDS)


def _wait_for_services(layout: Layout, starter: subprocess.Popen[bytes] | None, say: Say) -> None:
    deadline = time.monotonic() + _START_SECONDS
    # What an earlier supervisor told last is still in the file.
    tellers = {starter.pid} if starter else set[int]()
    said = ""
    while time.monotonic() < deadline:
        alive = supervisor_pid(layout)
        tellers |= {alive} if alive else set()
        status = load_status(layout.status)
        if status is not None and status.supervisor in tellers:
            if status.phase is Phase.RUNNING and alive:
                return
            if status.phase is Phase.FAILED and not alive:
                raise LocalStackError(status.message, remedy="")
            # What it ends on is told once, as the failure.
            if status.message not in ("", said) and status.phase not in _ENDING:
                said = status.message
                say(said)
        if not alive and (starter is None or starter.poll() is not None):
            raise _ended(layout)
        time.sleep(_POLL_SECONDS)
    raise LocalStackError(
        f"The stack did not start within {_START_SECONDS:g} s.",
        remedy=f"Read {layout.log('supervisor')}.",
    )


def _ended(layout: Layout) -> LocalStackError:
    lines = last_lines(layout.log("supervisor"), 1) or ["no message"]
    return LocalStackError(
        f"The supervisor ended: {lines[0]}", remedy=f"Read {layout.log('supervisor')}."
    )


def _wait_until_ready(layout: Layout, ports: Mapping[str, int], say: Say) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    before = _restarts(layout)
    said = ""
    while waiting := [name for name, ready in readiness(ports).items() if not ready]:
        if (names := ", ".join(waiting)) != said:
            said = names
            say(f"Waiting for {names}")
        for process in waiting:
            if _last_exits(layout).get(process) == CANNOT_START:
                raise _CannotStart(_refusal(layout, process), remedy="")
        for process, restarts in _restarts(layout).items():
            if process in waiting and restarts - before.get(process, 0) >= _CRASHES_TO_GIVE_UP:
                raise _not_ready(layout, process, "keeps crashing")
        if time.monotonic() > deadline:
            raise _not_ready(layout, waiting[0], f"is not ready after {_READY_SECONDS:g} s")
        time.sleep(_POLL_SECONDS)


def _restarts(layout: Layout) -> dict[str, int]:
    status = load_status(layout.status)
    return {told.name: told.restarts for told in status.processes} if status else {}


def _last_exits(layout: Layout) -> dict[str, int | None]:
    status = load_status(layout.status)
    return {told.name: told.last_exit for told in status.processes} if status else {}


def _refusal(layout: Layout, service: str) -> str:
    for line in reversed(last_lines(layout.log(service), _LINES_OF_A_START)):
        with suppress(ValueError, LookupError, TypeError):
            told = json.loads(line)
            if told["event"] == "cannot_start":
                return str(told["error"])
    return f"{service} cannot start: read {layout.log(service)}."


def _not_ready(layout: Layout, service: str, what: str) -> LocalStackError:
    lines = last_lines(layout.log(service), 1)
    said = f' Its last line is "{lines[0].strip()}".' if lines else ""
    return LocalStackError(
        f"{service} {what}.{said}", remedy=f"Read it with `heddle logs {service}`."
    )
