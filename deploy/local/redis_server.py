"""The embedded Redis."""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from deploy.local.child_process import ProcessSpec
from deploy.local.loopback import LOOPBACK
from deploy.local.private_file import write_private
from deploy.local.wheel_binaries import redis_program


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """Redis with an append-only file flushed every second (never when not `durable`)."""

    folder: Path
    port: int
    password: str
    log: Path
    durable: bool = True

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            "maxmemory 512mb",
            # Redis is a tier above Postgres: what expires may go, what does not is kept.
            "maxmemory-policy volatile-lru",
        ]
        # A file, because a command line is readable by every user of the machine.
        write_private(self._configuration, "\n".join(lines) + "\n")

    def process(self) -> ProcessSpec:
        return ProcessSpec(
            name="redis",
            command=(str(redis_program()), str(self._configuration)),
            log=self.log,
            stop_signal=signal.SIGTERM,
            folder=self.folder,
        )

    def is_ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                # While Redis loads its file it answers -LOADING.
                answer = b""
                while answer.count(b"\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        return b"+PONG" in answer

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def _configuration(self) -> Path:
        return self.folder / "redis.conf"
