"""The stack under test, from outside: its supervisor starts again what we kill."""

import json
import os
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import psutil

from deploy.local.child_process import ChildProcess, ProcessSpec
from deploy.local.embedded_server import EmbeddedServer
from deploy.local.layout import CHECKOUT, Layout
from deploy.local.loopback import LOOPBACK, answers_ok, free_port
from deploy.local.ports import SERVICES, load_ports
from deploy.local.stack_secrets import load_passwords
from deploy.local.stack_servers import choose_servers
from deploy.local.stack_status import ProcessStatus, load_status
from tests.chaos.supervised import PORTS
from tests.support.running_server import dying_with_us

_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.02


class ChaosStack:
    """Processes by the supervisor's names for them: `engine`, `engine-2`, `postgres` and so on."""

    def __init__(self, layout: Layout, second: dict[str, int]) -> None:
        self._layout = layout
        self._second = second

    @property
    def backends(self) -> tuple[str, ...]:
        """The base URLs of both."""
        ports = self._ports
        return tuple(f"http://{LOOPBACK}:{ports[name]}" for name in ("backend", "backend-2"))

    @property
    def admin_token(self) -> str:
        return str(json.loads(self._layout.credentials.read_text())["admin_token"])

    @cached_property
    def environment(self) -> dict[str, str]:
        """What the services were started with."""
        return psutil.Process(self.pid("inference")).environ()

    def url(self, service: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[service]}"

    def log(self, name: str) -> str:
        """All that a process and its predecessors have written."""
        return self._layout.log(name).read_text()

    def pid(self, name: str) -> int:
        """Of the process that runs now."""
        pid = self._told(name).pid
        assert pid is not None, f"{name} does not run"
        return pid

    def kill(self, name: str) -> float:
        """SIGKILL; when that was."""
        pid = self.pid(name)
        at = time.time()
        os.kill(pid, signal.SIGKILL)
        return at

    def back(self, name: str, killed: int) -> float:
        """Wait until the process that came after pid `killed` is ready; when that was. Raises
        TimeoutError."""
        deadline = time.monotonic() + _START_SECONDS
        while self._told(name).pid in (None, killed) or not self._is_ready(name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is not back:\n{self.log(name)[-5000:]}")
            time.sleep(_POLL_SECONDS)
        return time.time()

    def freeze(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGCONT)

    def wait_ready(self, supervisor: ChildProcess) -> None:
        """Return once everything is ready. Raises RuntimeError, TimeoutError."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._all_ready():
            if supervisor.poll() is not None:
                raise RuntimeError(supervisor.spec.log.read_text()[-5000:])
            if time.monotonic() > deadline:
                raise TimeoutError(supervisor.spec.log.read_text()[-5000:])
            time.sleep(_POLL_SECONDS)

    def _all_ready(self) -> bool:
        known = {process.name for process in self._processes()}
        wanted = (*SERVICES, *PORTS)
        return known >= {*wanted} and all(self._is_ready(name) for name in wanted)

    def _is_ready(self, name: str) -> bool:
        if (server := self._servers.get(name)) is not None:
            return server.is_ready()
        return answers_ok(self._ports[name], "/readyz")

    def _told(self, name: str) -> ProcessStatus:
        return next(process for process in self._processes() if process.name == name)

    def _processes(self) -> tuple[ProcessStatus, ...]:
        status = load_status(self._layout.status)
        return status.processes if status else ()

    @property
    def _ports(self) -> dict[str, int]:
        return load_ports(self._layout.ports) | self._second

    @cached_property
    def _servers(self) -> dict[str, EmbeddedServer]:
        passwords = load_passwords(self._layout.server_passwords)
        servers = choose_servers(self._layout, {}, self._ports, passwords)
        return {server.process().name: server for server in servers.embedded()}


@contextmanager
def running_stack(folder: Path, settings: dict[str, str]) -> Generator[ChaosStack]:
    """A stack whose state lies in `folder`; `settings` are further environment variables."""
    layout = Layout(root=folder)
    second = {name: free_port() for name in PORTS}
    places = {variable: str(second[name]) for name, variable in PORTS.items()}
    fixed = {f"HEDDLE_{service.upper()}_PORT": str(free_port()) for service in SERVICES}
    environment = {**os.environ, **settings, **places, **fixed, "HEDDLE_STATE_DIR": str(folder)}
    spec = ProcessSpec(
        name="supervisor",
        command=(sys.executable, "-m", "tests.chaos.supervised"),
        environment=environment,
        folder=CHECKOUT,
        log=layout.log("supervisor"),
        stop_signal=signal.SIGTERM,
        stop_seconds=_STOP_SECONDS,
    )
    supervisor = ChildProcess(dying_with_us(spec))
    try:
        stack = ChaosStack(layout, second)
        stack.wait_ready(supervisor)
        yield stack
    finally:
        supervisor.stop()
