"""What one tenant has queued does not hold up another: its run starts with the same work as in an
idle system. `make fairness` measures the time, with 10,000 queued runs."""

from collections.abc import AsyncIterator

import pytest

from libs.common.messaging.in_memory_bus import InMemoryBus
from tests.support.crowded_engine import SHARE, CrowdedEngine
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import Cluster, postgres_cluster

_QUEUED = 2000


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(migrated_database, bus) as made:
        yield made


async def test_a_crowd_leaves_places_for_others(
    cluster: Cluster, migrated_database: FreshDatabase
) -> None:
    engine = await CrowdedEngine.on(cluster)
    await engine.crowd(migrated_database, _QUEUED)
    for _ in range(3):
        await engine.start()
    assert engine.under_way <= SHARE + 1
