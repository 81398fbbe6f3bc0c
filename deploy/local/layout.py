"""Where the local stack keeps its things."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""The root of the source tree that holds this file; services start there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The folders and files under one state folder. Nothing is created by asking for a path."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Layout":
        """The folder `HEDDLE_STATE_DIR` names, by default `.heddle` in the checkout."""
        named = (os.environ if environ is None else environ).get("HEDDLE_STATE_DIR")
        return cls(root=Path(named).expanduser().resolve() if named else CHECKOUT / ".heddle")

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def ports(self) -> Path:
        return self.root / "ports.json"

    @property
    def credentials(self) -> Path:
        """Written by the backend at its first start: the first workspace's keys."""
        return self.root / "credentials.json"

    @property
    def master_key(self) -> Path:
        return self.root / "master.key"

    @property
    def server_passwords(self) -> Path:
        return self.root / "server_passwords.json"

    @property
    def supervisor_pid(self) -> Path:
        return self.run / "supervisor.pid"

    @property
    def supervisor_lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def status(self) -> Path:
        return self.run / "status.json"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def create(self) -> None:
        """Make the folders, closed to other users. Existing ones are left as they are."""
        for folder in (self.root, self.nats, self.redis, self.objects, self.logs, self.run):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
