"""A bus in memory, whom an engine calls on it, and who keeps its secrets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.subjects import ENVIRONMENT_SECRETS
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.object_store.filesystem_store import FilesystemStore
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import Cluster
from tests.support.engine_secrets import VALUE, Keeper, secrets_cluster


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
def objects(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path)


@pytest.fixture
async def secrets(
    migrated_database: FreshDatabase,
    bus: InMemoryBus,
    keeper: Keeper,
    callees: Callees,
    objects: FilesystemStore,
) -> AsyncIterator[Cluster]:
    """Engines whose runs may have secrets, which `keeper` tells."""
    async with secrets_cluster(migrated_database, bus, objects) as made:
        yield made
