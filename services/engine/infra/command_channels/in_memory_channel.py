"""Wake-ups within one process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from libs.common.errors import Busy

_MOST_WAITING = 10_000


class InMemoryCommandChannel:
    """Implements CommandChannel for everybody who has this very object."""

    def __init__(self) -> None:
        self._ears: set[_Ear] = set()

    async def ring(self, tenant_id: UUID, run_id: UUID) -> None:
        for ear in self._ears:
            ear.hear(run_id)

    @asynccontextmanager
    async def heard(self, run_id: UUID | None = None) -> AsyncGenerator["_Ear"]:
        ear = _Ear(run_id)
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)


class _Ear:
    """Implements Wakes."""

    def __init__(self, run_id: UUID | None) -> None:
        self._only = run_id
        self._waiting: asyncio.Queue[UUID] = asyncio.Queue(_MOST_WAITING)
        self._missed = False

    def hear(self, run_id: UUID) -> None:
        if self._only not in {None, run_id}:
            return
        try:
            self._waiting.put_nowait(run_id)
        except asyncio.QueueFull:
            self._missed = True

    async def next(self, *, timeout: float) -> UUID | None:
        if self._missed:
            raise Busy("Wake-ups were missed.")
        try:
            async with asyncio.timeout(timeout):
                return await self._waiting.get()
        except TimeoutError:
            return None
