"""Wake-ups over the bus."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import Doorbell
from libs.common.contracts.subjects import RUN_WAKE_ALL, run_wake
from libs.common.errors import HeddleError
from libs.common.messaging.bus import Listener, MessageBus

_log = logging.getLogger(__name__)


class NatsCommandChannel:
    """Implements CommandChannel."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def ring(self, tenant_id: UUID, run_id: UUID) -> None:
        wake = Doorbell(tenant_id=tenant_id, run_id=run_id)
        try:
            await self._bus.broadcast(
                run_wake(run_id), wake, envelope=Envelope(tenant_id=tenant_id)
            )
        except HeddleError as error:
            _log.info("run %s will find its command by sweep: %s", run_id, error)

    @asynccontextmanager
    async def heard(self, run_id: UUID | None = None) -> AsyncGenerator["_NatsWakes"]:
        subject = RUN_WAKE_ALL if run_id is None else run_wake(run_id)
        async with self._bus.listen(subject) as wakes:
            yield _NatsWakes(wakes)


class _NatsWakes:
    """Implements Wakes."""

    def __init__(self, wakes: Listener[Doorbell]) -> None:
        self._wakes = wakes

    async def next(self, *, timeout: float) -> UUID | None:
        wake = await self._wakes.next(timeout=timeout)
        return None if wake is None else wake.run_id
