"""Engines with a bus in memory, whom they call on it, and where they store."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.subjects import ENVIRONMENT_SECRETS
from libs.common.database.asyncpg_pool import Connection, Pool, create_pool
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.run_seal import RunSeal
from tests.integration.engine.commit_bench import CommitBench, commit_bench
from tests.support.away_objects import Objects
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import Cluster, postgres_cluster
from tests.support.engine_secrets import MASTER_KEY, VALUE, Keeper, secrets_cluster


@pytest.fixture
async def bus() -> AsyncIterator[InMemoryBus]:
    made = InMemoryBus(clock=SystemClock())
    yield made
    await made.close()


@pytest.fixture
async def callees(bus: InMemoryBus) -> Callees:
    made = Callees()
    await made.serve(bus)
    return made


@pytest.fixture
async def keeper(bus: InMemoryBus) -> Keeper:
    made = Keeper({("KEY", 3): VALUE})
    await bus.serve(ENVIRONMENT_SECRETS, made.serve)
    return made


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


@pytest.fixture
async def pool(migrated_database: FreshDatabase) -> AsyncIterator[Pool]:
    async with await create_pool(migrated_database.url) as made:
        yield made


@pytest.fixture
async def bench(migrated_database: FreshDatabase) -> AsyncIterator[CommitBench]:
    async with commit_bench(migrated_database) as made:
        yield made


@pytest.fixture
async def beside(migrated_database: FreshDatabase) -> AsyncIterator[Connection]:
    """A superuser's connection, for another process's locks and transactions that are open."""
    connection: Connection = await asyncpg.connect(migrated_database.admin_url)
    yield connection
    await connection.close()


@pytest.fixture
async def cluster(
    migrated_database: FreshDatabase, bus: InMemoryBus, objects: Objects, callees: Callees
) -> AsyncIterator[Cluster]:
    """Engines that keep what is large in `objects`."""
    async with postgres_cluster(
        migrated_database, bus, sealing=RunSeal(MASTER_KEY), objects=objects
    ) as made:
        yield made


@pytest.fixture
async def secrets(
    migrated_database: FreshDatabase,
    bus: InMemoryBus,
    keeper: Keeper,
    callees: Callees,
    objects: Objects,
) -> AsyncIterator[Cluster]:
    """Engines whose runs may have secrets, which `keeper` tells."""
    async with secrets_cluster(migrated_database, bus, objects) as made:
        yield made
