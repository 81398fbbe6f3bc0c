"""The real servers that a benchmark runs on: Postgres with fsync, NATS, Redis."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.loopback import free_port
from deploy.local.nats_server import NatsServer
from deploy.local.postgres_account import choose_account
from deploy.local.postgres_server import PostgresServer
from deploy.local.redis_server import RedisServer
from tests.support.databases import Databases, FreshDatabase
from tests.support.running_server import running


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """`database` has every service's schema; `admin_url` is the superuser's on another database."""

    folder: Path
    database: FreshDatabase
    admin_url: str
    nats_url: str
    redis_url: str

    @property
    def object_store_url(self) -> str:
        return (self.folder / "objects").as_uri()


@contextmanager
def running_servers(folder: Path) -> Generator[Servers]:
    """Servers below `folder`, durable as in production, stopped at the end."""
    postgres = PostgresServer(
        account=choose_account(folder / "postgres"),
        port=free_port(),
        password="bench",
        log=folder / "postgres.log",
    )
    nats = NatsServer(
        folder=folder / "nats",
        port=free_port(),
        monitor_port=free_port(),
        password="bench",
        log=folder / "nats.log",
    )
    redis = RedisServer(
        folder=folder / "redis", port=free_port(), password="bench", log=folder / "redis.log"
    )
    (folder / "objects").mkdir()
    with ExitStack() as stack:
        for server in (postgres, nats, redis):
            stack.enter_context(running(server))
        _, database = Databases(postgres.url).create(migrated=True)
        yield Servers(
            folder=folder,
            database=database,
            admin_url=postgres.url,
            nats_url=nats.url,
            redis_url=redis.url,
        )
