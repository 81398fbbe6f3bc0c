"""Fair picking: one run of each waiting group in turn, until the worker is full."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from services.engine.app.ports.run_store import FIRST_GROUP, Claim, Group, RunStore

_GROUPS_AT_ONCE = 64


class RunPicker:
    """Walks the groups (tenant, app) from where it stopped last time, so that a group with a long
    queue gets one place a lap like everybody else. `room_of` a tenant is what is left of its share
    of the places; those without any, `full`, are passed over."""

    def __init__(
        self,
        runs: RunStore,
        worker: UUID,
        *,
        room: Callable[[], int],
        room_of: Callable[[UUID], int],
        full: Callable[[], Collection[UUID]],
        take: Callable[[Claim], None],
    ) -> None:
        self._runs = runs
        self._worker = worker
        self._room = room
        self._room_of = room_of
        self._full = full
        self._take = take
        self._cursor = FIRST_GROUP

    async def pick(self) -> int:
        """Claim until the worker is full or a whole lap brought nothing; returns how many."""
        total = 0
        taken_in_lap = 0
        whole_lap = self._cursor == FIRST_GROUP
        while (room := self._room()) > 0:
            most = min(room, _GROUPS_AT_ONCE)
            groups = await self._runs.queued_groups(
                after=self._cursor, most=most, passing=self._full()
            )
            if groups:
                self._cursor = groups[-1]
                for claim in await self._runs.claim_queued(
                    self._worker, self._within_shares(groups)
                ):
                    self._take(claim)
                    taken_in_lap += 1
            if len(groups) == most:
                continue
            self._cursor = FIRST_GROUP
            total += taken_in_lap
            if whole_lap and taken_in_lap == 0:
                return total
            whole_lap, taken_in_lap = True, 0
        return total + taken_in_lap

    def _within_shares(self, groups: Sequence[Group]) -> list[Group]:
        chosen: Counter[UUID] = Counter()
        within: list[Group] = []
        for group in groups:
            if chosen[group.tenant_id] < self._room_of(group.tenant_id):
                chosen[group.tenant_id] += 1
                within.append(group)
        return within
