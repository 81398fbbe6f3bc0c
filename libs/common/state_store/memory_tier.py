"""The first tier: this process' memory, bounded, least recently used first out."""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.state_store.tiers import Place, Version

_Address = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class _Held:
    version: Version
    until: float


class MemoryTier:
    """Each namespace has room of its own (`memory_items`)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, OrderedDict[_Address, _Held]] = {}

    async def get(self, place: Place) -> Version | None:
        return self.look(place)

    async def offer(self, place: Place, version: Version) -> None:
        self.keep(place, version)

    def look(self, place: Place) -> Version | None:
        room, address = self._at(place)
        held = room.get(address)
        if held is None:
            return None
        if held.until <= self._clock.monotonic():
            del room[address]
            return None
        room.move_to_end(address)
        return held.version

    def keep(self, place: Place, version: Version) -> None:
        room, address = self._at(place)
        held = self.look(place)
        if held is not None and held.revision >= version.revision:
            return
        until = self._clock.monotonic() + place.namespace.ttl.total_seconds()
        room[address] = _Held(version, until)
        room.move_to_end(address)
        while len(room) > place.namespace.memory_items:
            room.popitem(last=False)

    def drop_below(self, namespace: str, tenant_id: UUID, key: str, revision: int) -> None:
        """Forget what is older than `revision`."""
        room = self._rooms.get(namespace)
        held = room.get((tenant_id, key)) if room else None
        if room and held is not None and held.version.revision < revision:
            del room[tenant_id, key]

    def flush(self) -> None:
        """Forget everything."""
        self._rooms.clear()

    def _at(self, place: Place) -> tuple[OrderedDict[_Address, _Held], _Address]:
        room = self._rooms.setdefault(place.namespace.name, OrderedDict())
        return room, (place.tenant_id, place.key)
