"""What the whole store does, whichever tiers are there."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.state_changes import StateChanged
from libs.common.contracts.subjects import STATE_CHANGED
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.state_store.in_memory_last_tier import InMemoryLastTier
from libs.common.state_store.redis_tier import RedisTier
from libs.common.state_store.store import Namespace, Record
from libs.common.state_store.tiered_store import TieredStore
from libs.common.state_store.tiers import Place, RevisionConflict, Version
from tests.contract.state_store.conftest import NOWHERE
from tests.support.settled import settled

_KEYS = Namespace(name="api_keys")
_STRONG = Namespace(name="strong", consistency="strong")


async def test_values_come_back_with_their_revision(stores: list[TieredStore]) -> None:
    here, there = stores
    tenant_id = uuid7()
    assert await here.get(_KEYS, tenant_id, "k/1") is None
    assert await here.put(_KEYS, tenant_id, "k/1", b"one") == 1
    assert await here.put(_KEYS, tenant_id, "k/1", b"two", expected_revision=1) == 2
    for store in (here, there, here):
        assert await store.get(_KEYS, tenant_id, "k/1") == Record(value=b"two", revision=2)
    assert await here.get(_KEYS, uuid7(), "k/1") is None


async def test_a_conflict_changes_nothing(stores: list[TieredStore]) -> None:
    here, there = stores
    tenant_id = uuid7()
    await here.put(_KEYS, tenant_id, "k", b"one", expected_revision=0)
    with pytest.raises(RevisionConflict):
        await there.put(_KEYS, tenant_id, "k", b"x", expected_revision=0)
    with pytest.raises(RevisionConflict):
        await there.delete(_KEYS, tenant_id, "k", expected_revision=2)
    assert await there.get(_KEYS, tenant_id, "k") == Record(value=b"one", revision=1)


async def test_a_strong_namespace_never_answers_from_a_copy(stores: list[TieredStore]) -> None:
    here, there = stores
    tenant_id = uuid7()
    for turn in range(1, 4):
        await here.put(_STRONG, tenant_id, "k", b"x")
        assert await there.get(_STRONG, tenant_id, "k") == Record(value=b"x", revision=turn)


async def test_a_revoked_key_is_gone_everywhere_within_a_second(
    stores: list[TieredStore],
) -> None:
    here, there = stores
    tenant_id = uuid7()
    await here.put(_KEYS, tenant_id, "k", b"one")
    for store in stores:
        assert await store.get(_KEYS, tenant_id, "k") is not None
    await here.delete(_KEYS, tenant_id, "k")

    async def revoked() -> bool:
        return await there.get(_KEYS, tenant_id, "k") is None

    await settled(revoked, within=1)
    assert await here.get(_KEYS, tenant_id, "k") is None


class _SlowTier:
    """A last tier that counts reads and lets them through one by one."""

    def __init__(self) -> None:
        self.truth = InMemoryLastTier()
        self.reads = 0
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, place: Place) -> Version:
        self.reads += 1
        self.entered.set()
        found = await self.truth.read(place)
        await self.gate.wait()
        return found

    async def write(self, place: Place, value: bytes | None, expected: int | None) -> int:
        return await self.truth.write(place, value, expected)


@pytest.fixture
async def bus() -> AsyncIterator[InMemoryBus]:
    bus = InMemoryBus(clock=SystemClock())
    yield bus
    await bus.close()


async def _listening(store: TieredStore, tier: _SlowTier) -> None:
    """Until the store trusts its memory: a second read is then no read of the last tier."""
    tenant_id = uuid7()

    async def trusted() -> bool:
        await store.get(_KEYS, tenant_id, "probe")
        before = tier.reads
        await store.get(_KEYS, tenant_id, "probe")
        return tier.reads == before

    await settled(trusted)
    tier.reads = 0


async def test_a_thousand_readers_make_one_query(bus: InMemoryBus) -> None:
    tier = _SlowTier()
    store = TieredStore(tier, bus=bus, clock=SystemClock())
    async with store.running():
        await _listening(store, tier)
        tenant_id = uuid7()
        found = await asyncio.gather(*(store.get(_KEYS, tenant_id, "k") for _ in range(1000)))
    assert found == [None] * 1000
    assert tier.reads == 1


async def test_a_read_that_began_before_a_change_is_not_kept(bus: InMemoryBus) -> None:
    tier = _SlowTier()
    tenant_id = uuid7()
    here, there = (TieredStore(tier, bus=bus, clock=SystemClock()) for _ in range(2))
    async with here.running(), there.running():
        for store in (here, there):
            await _listening(store, tier)
        await here.put(_KEYS, tenant_id, "k", b"old")
        there.bus_back()
        tier.gate.clear()
        tier.entered.clear()
        reading = asyncio.create_task(there.get(_KEYS, tenant_id, "k"))
        await tier.entered.wait()
        await here.put(_KEYS, tenant_id, "k", b"new")
        for _ in range(10):
            await asyncio.sleep(0)
        tier.gate.set()
        assert await reading == Record(value=b"new", revision=2)
        assert await there.get(_KEYS, tenant_id, "k") == Record(value=b"new", revision=2)


async def test_memory_is_not_trusted_while_the_bus_is_away(bus: InMemoryBus) -> None:
    tier = _SlowTier()
    tenant_id = uuid7()
    store = TieredStore(tier, bus=bus, clock=SystemClock())
    place = Place(namespace=_KEYS, tenant_id=tenant_id, key="k")
    async with store.running():
        await _listening(store, tier)
        await store.put(_KEYS, tenant_id, "k", b"one")
        store.bus_lost()
        await tier.write(place, b"two", None)
        assert await store.get(_KEYS, tenant_id, "k") == Record(value=b"two", revision=2)
        await tier.write(place, b"three", None)
        store.bus_back()
        assert await store.get(_KEYS, tenant_id, "k") == Record(value=b"three", revision=3)


class _ComingAndGoing:
    """A caching tier that can be away."""

    def __init__(self, redis_url: str) -> None:
        self._there = RedisTier(redis_url, clock=SystemClock())
        self._away = RedisTier(NOWHERE, clock=SystemClock())
        self.away = False
        self.offered = asyncio.Event()

    async def get(self, place: Place) -> Version | None:
        return await (self._away if self.away else self._there).get(place)

    async def offer(self, place: Place, version: Version) -> None:
        await (self._away if self.away else self._there).offer(place, version)
        self.offered.set()

    async def aclose(self) -> None:
        await self._there.aclose()
        await self._away.aclose()


async def test_redis_that_returns_learns_what_it_missed(bus: InMemoryBus, redis_url: str) -> None:
    redis = _ComingAndGoing(redis_url)
    store = TieredStore(InMemoryLastTier(), bus=bus, clock=SystemClock(), middle=redis)
    place = Place(namespace=_KEYS, tenant_id=uuid7(), key="k")
    async with store.running():
        await store.put(_KEYS, place.tenant_id, "k", b"one")
        redis.away = True
        await store.put(_KEYS, place.tenant_id, "k", b"two")
        redis.away = False
        redis.offered.clear()
        async with asyncio.timeout(5):
            await redis.offered.wait()
        assert await redis.get(place) == Version(revision=2, value=b"two")
    await redis.aclose()


async def test_a_message_names_tenant_and_key(bus: InMemoryBus) -> None:
    tenant_id = uuid7()
    store = TieredStore(InMemoryLastTier(), bus=bus, clock=SystemClock())
    async with store.running(), bus.listen(STATE_CHANGED) as listener:
        await store.put(_KEYS, tenant_id, "k/1", b"x")
        heard = await listener.next(timeout=1)
    assert heard == StateChanged(namespace="api_keys", key=f"{tenant_id}/k/1", revision=1)
