"""Telling the other tiers and processes that a value changed, until they have heard it."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.state_changes import StateChanged
from libs.common.contracts.subjects import STATE_CHANGED
from libs.common.errors import HeddleError, Unavailable
from libs.common.messaging.bus import MessageBus
from libs.common.state_store.store_metrics import StoreMetrics
from libs.common.state_store.tiers import CacheTier, Place, Version

_AGAIN_SECONDS = 0.5
_MOST_PENDING = 10_000


@dataclass(frozen=True, slots=True)
class _Pending:
    place: Place
    version: Version


class Changes:
    """A write is done once Postgres has it. What Redis or the bus could not take is remembered
    here (the newest change of a key, at most 10,000 keys) and told again every half second."""

    def __init__(
        self,
        bus: MessageBus,
        middle: CacheTier | None,
        *,
        clock: Clock,
        metrics: StoreMetrics,
    ) -> None:
        self._bus = bus
        self._middle = middle
        self._clock = clock
        self._metrics = metrics
        self._pending: OrderedDict[tuple[str, UUID, str], _Pending] = OrderedDict()
        self._missed = asyncio.Event()

    async def tell(self, place: Place, version: Version) -> None:
        """Bring Redis up to `version` and tell every process; never raises."""
        offered = await self.offer(place, version)
        if not (await self._broadcast(place, version) and offered):
            address = (place.namespace.name, place.tenant_id, place.key)
            self._pending[address] = _Pending(place, version)
            while len(self._pending) > _MOST_PENDING:
                self._pending.popitem(last=False)
            self._missed.set()

    async def offer(self, place: Place, version: Version) -> bool:
        """Offer a copy to Redis; False when it is away."""
        if self._middle is None:
            return True
        try:
            await self._middle.offer(place, version)
        except Unavailable:
            self._metrics.failed("redis", place.namespace.name)
            return False
        return True

    async def run(self) -> None:
        """Tell again what was missed, until cancelled."""
        while True:
            await self._missed.wait()
            self._missed.clear()
            await self._clock.sleep(_AGAIN_SECONDS)
            pending, self._pending = self._pending, OrderedDict()
            for change in pending.values():
                await self.tell(change.place, change.version)

    async def _broadcast(self, place: Place, version: Version) -> bool:
        change = StateChanged(
            namespace=place.namespace.name,
            key=f"{place.tenant_id}/{place.key}",
            revision=version.revision,
        )
        envelope = Envelope(tenant_id=place.tenant_id)
        try:
            await self._bus.broadcast(STATE_CHANGED, change, envelope=envelope)
        except HeddleError:
            self._metrics.failed("bus", place.namespace.name)
            return False
        return True
