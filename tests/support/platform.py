"""The whole platform as processes on real servers, for tests that go through the public API."""

import base64
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.child_process import ChildProcess, ProcessSpec
from deploy.local.layout import CHECKOUT
from deploy.local.loopback import LOOPBACK, answers_ok, free_port
from deploy.local.nats_server import NatsServer
from deploy.local.postgres_account import choose_account
from deploy.local.postgres_server import PostgresServer
from deploy.local.redis_server import RedisServer
from tests.support.databases import Databases
from tests.support.running_server import running

SERVICES = ("inference", "plugin", "engine", "backend")
_READY_SECONDS = 120.0
_POLL_SECONDS = 0.02


@dataclass(slots=True, kw_only=True)
class Replica:
    """One process of a service and where it listens."""

    service: str
    port: int
    spec: ProcessSpec
    child: ChildProcess

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        return self.child.pid

    def kill(self) -> None:
        """SIGKILL, and collect it."""
        self.child.kill()
        self.child.stop()

    def freeze(self) -> None:
        os.kill(self.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.child.pid, signal.SIGCONT)

    def start_again(self) -> None:
        """A new process on the same port; returns when it is ready."""
        self.child = ChildProcess(self.spec)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return when /readyz says 200. Raises RuntimeError with the log when it does not."""
        deadline = time.monotonic() + _READY_SECONDS
        while not answers_ok(self.port, "/readyz"):
            if self.child.poll() is not None or time.monotonic() > deadline:
                log = self.spec.log.read_text()[-5000:]
                raise RuntimeError(f"{self.service} is not ready:\n{log}")
            time.sleep(_POLL_SECONDS)


@dataclass(slots=True, kw_only=True)
class Platform:
    """Running services by name; the first replica of each is there from the start, the backend's
    at `backend_port`."""

    folder: Path
    environment: Mapping[str, str]
    backend_port: int
    replicas: dict[str, list[Replica]] = field(default_factory=dict[str, list[Replica]])

    @property
    def url(self) -> str:
        """The backend's base URL."""
        return self.replicas["backend"][0].url

    @property
    def admin_token(self) -> str:
        return self._credential("admin_token")

    @property
    def workspace_key(self) -> str:
        return self._credential("workspace_api_key")

    def replica(self, service: str, index: int = 0) -> Replica:
        return self.replicas[service][index]

    def log(self, service: str, index: int = 0) -> str:
        """All that a replica has written."""
        return self.replica(service, index).spec.log.read_text()

    def add(self, service: str, *, wait: bool = True) -> Replica:
        """Start one more process of a service."""
        number = len(self.replicas.get(service, []))
        first_backend = service == "backend" and number == 0
        port = self.backend_port if first_backend else free_port()
        spec = ProcessSpec(
            name=f"{service}-{number}",
            command=(sys.executable, "-m", f"services.{service}.main"),
            environment={**self.environment, f"HEDDLE_{service.upper()}_PORT": str(port)},
            folder=CHECKOUT,
            log=self.folder / "logs" / f"{service}-{number}.log",
        )
        replica = Replica(service=service, port=port, spec=spec, child=ChildProcess(spec))
        self.replicas.setdefault(service, []).append(replica)
        if wait:
            replica.wait_ready()
        return replica

    def stop(self) -> None:
        """End every process."""
        everyone = [replica for group in self.replicas.values() for replica in group]
        for replica in everyone:
            replica.child.request_stop()
        for replica in everyone:
            replica.child.stop()

    def _credential(self, name: str) -> str:
        found = json.loads((self.folder / "credentials.json").read_text())
        return str(found[name])


@contextmanager
def running_platform(
    folder: Path,
    *,
    settings: Mapping[str, str] | None = None,
    durable: bool = False,
    services: Sequence[str] = SERVICES,
) -> Generator[Platform]:
    """Servers and one process of each of `services` below `folder`; everything is gone at the end.

    `settings` are further environment variables, in which `{backend}` stands for the first
    backend's URL. `durable` True keeps Postgres' fsync on.
    """
    with ExitStack() as stack:
        environment, port = _start_servers(stack, folder, durable=durable), free_port()
        backend = f"http://{LOOPBACK}:{port}"
        given = {k: v.replace("{backend}", backend) for k, v in (settings or {}).items()}
        environment["HEDDLE_PLUGIN_BACKEND_URL"] = backend
        platform = Platform(
            folder=folder,
            environment={**os.environ, **environment, **given},
            backend_port=port,
        )
        stack.callback(platform.stop)
        for service in services:
            platform.add(service, wait=False)
        for service in services:
            platform.replica(service).wait_ready()
        yield platform


def _start_servers(stack: ExitStack, folder: Path, *, durable: bool) -> dict[str, str]:
    objects = folder / "objects"
    objects.mkdir()
    postgres = PostgresServer(
        account=choose_account(folder / "postgres"),
        port=free_port(),
        password="test",
        log=folder / "logs" / "postgres.log",
        durable=durable,
    )
    nats = NatsServer(
        folder=folder / "nats",
        port=free_port(),
        monitor_port=free_port(),
        password="test",
        log=folder / "logs" / "nats.log",
    )
    redis = RedisServer(
        folder=folder / "redis",
        port=free_port(),
        password="test",
        log=folder / "logs" / "redis.log",
        durable=False,
    )
    for server in (postgres, nats, redis):
        stack.enter_context(running(server))
    _, database = Databases(postgres.url).create(migrated=True)
    return {
        "HEDDLE_DATABASE_URL": database.url,
        "HEDDLE_DATABASE_SWEEPER_URL": database.sweeper_url,
        "HEDDLE_NATS_URL": nats.url,
        "HEDDLE_REDIS_URL": redis.url,
        "HEDDLE_OBJECT_STORE_URL": objects.as_uri(),
        "HEDDLE_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "HEDDLE_STATE_DIR": str(folder),
        "PYTHONUNBUFFERED": "1",
    }
