"""The embedded NATS with JetStream."""

import json
import signal
from dataclasses import dataclass
from pathlib import Path

from deploy.local.child_process import ProcessSpec
from deploy.local.loopback import LOOPBACK, answers_ok
from deploy.local.private_file import write_private
from deploy.local.wheel_binaries import nats_program

USER = "heddle"


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsServer:
    """NATS with JetStream's file store; `monitor_port` serves /healthz, /varz, /jsz."""

    folder: Path
    port: int
    monitor_port: int
    password: str
    log: Path

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        configuration = {
            "server_name": "heddle-local",
            "host": LOOPBACK,
            "port": self.port,
            "http": f"{LOOPBACK}:{self.monitor_port}",
            "jetstream": {"store_dir": str(self.folder)},
            "authorization": {"user": USER, "password": self.password},
            # Draining clients on stop must fit into the supervisor's grace.
            "lame_duck_duration": "30s",
        }
        # NATS reads JSON as a subset of its own configuration language.
        write_private(self._configuration, json.dumps(configuration, indent=2) + "\n")

    def process(self) -> ProcessSpec:
        return ProcessSpec(
            name="nats",
            command=(str(nats_program()), "--config", str(self._configuration)),
            log=self.log,
            stop_signal=signal.SIGTERM,
            folder=self.folder,
        )

    def is_ready(self) -> bool:
        return answers_ok(self.monitor_port, "/healthz?js-enabled-only=true")

    @property
    def url(self) -> str:
        return f"nats://{USER}:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def _configuration(self) -> Path:
        return self.folder / "nats.conf"
