"""The state store: memory, then Redis, then Postgres."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.state_changes import StateChanged
from libs.common.contracts.subjects import STATE_CHANGED
from libs.common.errors import Busy, HeddleError, Unavailable
from libs.common.messaging.bus import Listener, MessageBus
from libs.common.state_store.changes import Changes
from libs.common.state_store.memory_tier import MemoryTier
from libs.common.state_store.store import Namespace, Record
from libs.common.state_store.store_metrics import NO_METRICS, StoreMetrics
from libs.common.state_store.tiers import CacheTier, LastTier, Place, Version

_log = logging.getLogger(__name__)
_LISTEN_SECONDS = 5.0
_LISTEN_AGAIN_SECONDS = 0.2
_LOADS = 3


@dataclass(slots=True)
class _Load:
    """One read for everyone who waits for it; what it brings must be at `floor` or above.

    `keep` False: changes may have been missed meanwhile, so memory must not have it.
    """

    task: "asyncio.Task[Version] | None" = None
    floor: int = 0
    keep: bool = True


class TieredStore:
    """Use it inside `running`. `middle` None: there is no Redis.

    The memory tier is trusted only while invalidations are heard: `bus_lost` and `bus_back` are
    for the bus' connection hooks. Raises DatabaseAway when a read finds no copy and Postgres is
    gone, and on every write then.
    """

    def __init__(
        self,
        last: LastTier,
        *,
        bus: MessageBus,
        clock: Clock,
        middle: CacheTier | None = None,
        metrics: StoreMetrics = NO_METRICS,
    ) -> None:
        self._last = last
        self._middle = middle
        self._bus = bus
        self._clock = clock
        self._metrics = metrics
        self._memory = MemoryTier(clock)
        self._changes = Changes(bus, middle, clock=clock, metrics=metrics)
        self._loads: dict[tuple[str, UUID, str], _Load] = {}
        self._connected = True
        self._listening = False

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Hear invalidations, and repair what a failing tier missed, inside the block."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._changes.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def bus_lost(self) -> None:
        """The bus' connection is gone: invalidations may be missed from now on."""
        self._connected = False
        self._flush()

    def bus_back(self) -> None:
        """The bus is connected again: start over with an empty memory."""
        self._flush()
        self._connected = True

    async def get(self, namespace: Namespace, tenant_id: UUID, key: str) -> Record | None:
        place = Place(namespace=namespace, tenant_id=tenant_id, key=key)
        if namespace.consistency == "strong":
            return (await self._read_last(place)).record()
        if self._hears():
            found = self._memory.look(place)
            self._metrics.looked("memory", namespace.name, found is not None, 0.0)
            if found is not None:
                return found.record()
        return (await self._load_once(place)).record()

    async def put(
        self,
        namespace: Namespace,
        tenant_id: UUID,
        key: str,
        value: bytes,
        *,
        expected_revision: int | None = None,
    ) -> int:
        place = Place(namespace=namespace, tenant_id=tenant_id, key=key)
        revision = await self._last.write(place, value, expected_revision)
        await self._changed(place, Version(revision=revision, value=value))
        return revision

    async def delete(
        self,
        namespace: Namespace,
        tenant_id: UUID,
        key: str,
        *,
        expected_revision: int | None = None,
    ) -> None:
        place = Place(namespace=namespace, tenant_id=tenant_id, key=key)
        revision = await self._last.write(place, None, expected_revision)
        if revision:
            await self._changed(place, Version(revision=revision, value=None))

    async def _changed(self, place: Place, version: Version) -> None:
        self._raise_floor(place.namespace.name, place.tenant_id, place.key, version.revision)
        if place.namespace.consistency == "cached":
            if self._hears():
                self._memory.keep(place, version)
            await self._changes.tell(place, version)

    async def _load_once(self, place: Place) -> Version:
        address = (place.namespace.name, place.tenant_id, place.key)
        load = self._loads.get(address)
        if load is None:
            load = self._loads[address] = _Load()
            load.task = asyncio.create_task(self._load(place, load))
            load.task.add_done_callback(lambda task: self._loaded(address, task))
        assert load.task is not None
        # Shielded: the first reader's going away must not fail those who joined it.
        return await asyncio.shield(load.task)

    async def _load(self, place: Place, load: _Load) -> Version:
        found = await self._read_middle(place)
        if found is None or found.revision < load.floor:
            for _ in range(_LOADS):
                found = await self._read_last(place)
                if found.revision >= load.floor:
                    break
            assert found is not None
            await self._changes.offer(place, found)
        if self._hears() and load.keep and found.revision >= load.floor:
            self._memory.keep(place, found)
        return found

    def _loaded(self, address: tuple[str, UUID, str], task: "asyncio.Task[Version]") -> None:
        self._loads.pop(address, None)
        if not task.cancelled():
            # Looked at here, because every reader may have gone.
            task.exception()

    async def _read_middle(self, place: Place) -> Version | None:
        if self._middle is None:
            return None
        started = self._clock.monotonic()
        try:
            found = await self._middle.get(place)
        except Unavailable:
            self._metrics.failed("redis", place.namespace.name)
            return None
        seconds = self._clock.monotonic() - started
        self._metrics.looked("redis", place.namespace.name, found is not None, seconds)
        return found

    async def _read_last(self, place: Place) -> Version:
        started = self._clock.monotonic()
        found = await self._last.read(place)
        seconds = self._clock.monotonic() - started
        self._metrics.looked("postgres", place.namespace.name, found.value is not None, seconds)
        return found

    def _hears(self) -> bool:
        return self._connected and self._listening

    def _flush(self) -> None:
        self._memory.flush()
        for load in self._loads.values():
            load.keep = False

    def _raise_floor(self, namespace: str, tenant_id: UUID, key: str, revision: int) -> None:
        load = self._loads.get((namespace, tenant_id, key))
        if load is not None:
            load.floor = max(load.floor, revision)
        self._memory.drop_below(namespace, tenant_id, key, revision)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._bus.listen(STATE_CHANGED) as listener:
                    self._flush()
                    self._listening = True
                    await self._hear(listener)
            except HeddleError as error:
                _log.warning("invalidations are not heard: %s", error)
            finally:
                self._listening = False
                self._flush()
            await self._clock.sleep(_LISTEN_AGAIN_SECONDS)

    async def _hear(self, listener: Listener[StateChanged]) -> None:
        while True:
            try:
                change = await listener.next(timeout=_LISTEN_SECONDS)
            except Busy:
                self._flush()
                continue
            if change is not None:
                tenant, _, key = change.key.partition("/")
                self._raise_floor(change.namespace, UUID(tenant), key, change.revision)
