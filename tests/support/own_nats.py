"""A NATS server of one test's own."""

from pathlib import Path

from deploy.local.child_process import ChildProcess
from deploy.local.loopback import free_port
from deploy.local.nats_server import NatsServer
from tests.support.running_server import start_ready


class OwnNats:
    """A running server that a test can stop and start again; data stays in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.server = NatsServer(
            folder=folder / "data",
            port=free_port(),
            monitor_port=free_port(),
            password="test",
            log=folder / "nats.log",
        )
        self.server.prepare()
        self._child: ChildProcess | None = start_ready(self.server)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    def start(self) -> None:
        self._child = start_ready(self.server)
