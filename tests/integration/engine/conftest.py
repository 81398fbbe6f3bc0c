"""A bus in memory, and whom an engine calls on it."""

from collections.abc import AsyncIterator

import pytest

from libs.common.clock import SystemClock
from libs.common.messaging.in_memory_bus import InMemoryBus
from tests.support.engine_callees import Callees


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
