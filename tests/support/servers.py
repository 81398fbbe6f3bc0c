"""Fixtures with the real servers, started by the first test of a worker that asks.

Every worker of pytest-xdist has servers of its own on free ports: starting them costs about a
second, and nothing has to be shared or cleaned between workers.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.loopback import free_port
from deploy.local.nats_server import NatsServer
from deploy.local.postgres_account import choose_account
from deploy.local.postgres_server import PostgresServer
from deploy.local.redis_server import RedisServer
from tests.support.databases import Databases, FreshDatabase
from tests.support.running_server import running
from tests.support.s3_server import S3Server, running_s3


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The superuser's URL of a PostgreSQL 18 with pgvector, fsync off."""
    folder = tmp_path_factory.mktemp("postgres")
    server = PostgresServer(
        account=choose_account(folder / "data"),
        port=free_port(),
        password="test",
        log=folder / "postgres.log",
        durable=False,
    )
    with running(server):
        yield server.url


@pytest.fixture(scope="session")
def databases(postgres_url: str) -> Databases:
    """Makes databases on the session's server, for tests that need more than one."""
    return Databases(postgres_url)


@pytest.fixture
def empty_database(databases: Databases) -> Iterator[FreshDatabase]:
    """A database of this test's own: the three roles and pgvector, no schema."""
    name, database = databases.create(migrated=False)
    yield database
    databases.drop(name)


@pytest.fixture
def migrated_database(databases: Databases) -> Iterator[FreshDatabase]:
    """A database of this test's own with every service's schema at its newest."""
    name, database = databases.create(migrated=True)
    yield database
    databases.drop(name)


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A NATS server with JetStream. Tests share it: prefix streams and subjects."""
    folder = tmp_path_factory.mktemp("nats")
    server = NatsServer(
        folder=folder / "data",
        port=free_port(),
        monitor_port=free_port(),
        password="test",
        log=folder / "nats.log",
    )
    with running(server):
        yield server.url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server without persistence. Tests share it: prefix keys."""
    folder = tmp_path_factory.mktemp("redis")
    server = RedisServer(
        folder=folder / "data",
        port=free_port(),
        password="test",
        log=folder / "redis.log",
        durable=False,
    )
    with running(server):
        yield server.url


@pytest.fixture
def object_store_url(tmp_path: Path) -> str:
    """A `file://` URL of an empty folder of this test's own."""
    folder = tmp_path / "objects"
    folder.mkdir()
    return folder.as_uri()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3-speaking server with one bucket. Tests share it: prefix keys."""
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
