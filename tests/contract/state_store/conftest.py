"""Tiers and whole stores, with and without real servers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from libs.common.clock import SystemClock
from libs.common.database.asyncpg_pool import create_pool
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.state_store.in_memory_last_tier import InMemoryLastTier
from libs.common.state_store.memory_tier import MemoryTier
from libs.common.state_store.postgres_tier import PostgresTier
from libs.common.state_store.redis_tier import RedisTier
from libs.common.state_store.tiered_store import TieredStore
from libs.common.state_store.tiers import CacheTier, LastTier
from tests.support.databases import FreshDatabase

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture(params=["memory", "redis"])
async def cache_tier(request: pytest.FixtureRequest) -> AsyncIterator[CacheTier]:
    if request.param == "memory":
        yield MemoryTier(SystemClock())
        return
    tier = RedisTier(request.getfixturevalue("redis_url"), clock=SystemClock())
    yield tier
    await tier.aclose()


@pytest.fixture(params=["memory", "postgres"])
async def last_tier(request: pytest.FixtureRequest) -> AsyncIterator[LastTier]:
    if request.param == "memory":
        yield InMemoryLastTier()
        return
    database: FreshDatabase = request.getfixturevalue("migrated_database")
    pool = await create_pool(database.url)
    yield PostgresTier(pool, "backend")
    await pool.close()


@pytest.fixture(params=["all tiers", "redis away", "no redis"])
async def stores(
    request: pytest.FixtureRequest, last_tier: LastTier
) -> AsyncIterator[list[TieredStore]]:
    """Two stores over the same truth and bus, as in two processes."""
    bus = InMemoryBus(clock=SystemClock())
    redis_url = request.getfixturevalue("redis_url") if request.param == "all tiers" else NOWHERE
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close)
        made: list[TieredStore] = []
        for _ in range(2):
            middle = None
            if request.param != "no redis":
                middle = RedisTier(redis_url, clock=SystemClock())
                stack.push_async_callback(middle.aclose)
            store = TieredStore(last_tier, bus=bus, clock=SystemClock(), middle=middle)
            await stack.enter_async_context(store.running())
            made.append(store)
        yield made
