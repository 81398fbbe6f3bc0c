"""One engine in memory, and whom it calls."""

from collections.abc import AsyncIterator

import pytest

from libs.common.clock import SystemClock
from libs.common.messaging.in_memory_bus import InMemoryBus
from tests.support.engine_callees import Callees
from tests.support.engine_harness import Cluster, in_memory_cluster


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
async def cluster(bus: InMemoryBus) -> AsyncIterator[Cluster]:
    """With one replica."""
    async with in_memory_cluster(bus) as made:
        await made.replica()
        yield made
