"""A few places for many: who waits for one takes turns with the other tenants."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from libs.common.errors import Busy

_RETRY_AFTER_SECONDS = 1.0
_Turn = asyncio.Future[None]


def share_of(limit: int) -> int:
    """What one tenant may have of a shared `limit`: three quarters, so that it never has all."""
    return max(limit - limit // 4, 1)


class FairPlaces:
    """`places` at once, of them `most_each` for one tenant; `most_waiting` may wait, of them
    `most_waiting_each` of one tenant. A freed place goes to the tenant whose turn is longest ago,
    and there to who has waited longest."""

    def __init__(
        self, places: int, *, most_each: int, most_waiting: int, most_waiting_each: int
    ) -> None:
        self._free = places
        self._most_each = most_each
        self._most_waiting = most_waiting
        self._most_waiting_each = most_waiting_each
        self._held: Counter[UUID | None] = Counter()
        # The first tenant's turn is next; no queue is empty.
        self._queues: OrderedDict[UUID | None, deque[_Turn]] = OrderedDict()

    async def take(self, tenant_id: UUID | None) -> None:
        """Wait for a place; whoever got it must `give` it back. Raises Busy when too many wait."""
        # Nobody who could have a free place is ever left waiting, so nobody is overtaken.
        if self._free and self._held[tenant_id] < self._most_each:
            self._hold(tenant_id)
            return
        waiting = sum(map(len, self._queues.values()))
        of_tenant = len(self._queues.get(tenant_id, ()))
        if waiting >= self._most_waiting or of_tenant >= self._most_waiting_each:
            raise Busy("Too many calls are waiting.", retry_after=_RETRY_AFTER_SECONDS)
        turn: _Turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._remove(tenant_id, turn)
            else:
                self.give(tenant_id)
            raise

    @asynccontextmanager
    async def taken(self, tenant_id: UUID | None) -> AsyncGenerator[None]:
        """A place for the length of the block. Raises Busy when too many wait."""
        await self.take(tenant_id)
        try:
            yield
        finally:
            self.give(tenant_id)

    def give(self, tenant_id: UUID | None) -> None:
        """Give a place back."""
        self._free += 1
        self._held[tenant_id] -= 1
        if not self._held[tenant_id]:
            del self._held[tenant_id]
        for waiting in list(self._queues):
            if not self._free:
                return
            if self._held[waiting] < self._most_each:
                self._call_up(waiting)

    def _call_up(self, tenant_id: UUID | None) -> None:
        queue = self._queues[tenant_id]
        while queue:
            turn = queue.popleft()
            # One that was cancelled has not come to leave the queue yet.
            if not turn.done():
                self._hold(tenant_id)
                turn.set_result(None)
                break
        self._queues.move_to_end(tenant_id)
        if not queue:
            del self._queues[tenant_id]

    def _remove(self, tenant_id: UUID | None, turn: _Turn) -> None:
        queue = self._queues.get(tenant_id)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[tenant_id]

    def _hold(self, tenant_id: UUID | None) -> None:
        self._free -= 1
        self._held[tenant_id] += 1
