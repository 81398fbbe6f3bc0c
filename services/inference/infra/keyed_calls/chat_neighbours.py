"""The other replicas of this service, through their own subjects."""

from collections.abc import AsyncGenerator
from uuid import UUID

from libs.common.contracts.chat import ChatCallPart
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.keyed_calls import AttachCall, CancelCall
from libs.common.contracts.subjects import CHAT_ATTACH, CHAT_CANCEL
from libs.common.messaging.bus import MessageBus

_CANCEL_SECONDS = 2.0
_ATTACH_SECONDS = 3600.0
_IDLE_SECONDS = 10.0


class ChatNeighbours:
    """Implements Neighbours for chats."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def attach(
        self,
        holder: UUID,
        tenant_id: UUID,
        key: str,
        claim_number: int,
        *,
        sealed_run: UUID | None = None,
    ) -> AsyncGenerator[ChatCallPart, None]:
        parts = self._bus.stream(
            CHAT_ATTACH.at(str(holder)),
            AttachCall(tenant_id=tenant_id, key=key, claim_number=claim_number),
            envelope=Envelope(tenant_id=tenant_id, sealed_run=sealed_run),
            timeout=_ATTACH_SECONDS,
            idle_timeout=_IDLE_SECONDS,
        )
        async for part in parts:
            yield part

    async def cancel(
        self, holder: UUID, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> None:
        await self._bus.request(
            CHAT_CANCEL.at(str(holder)),
            CancelCall(tenant_id=tenant_id, run_id=run_id, key=key, epoch=epoch),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_CANCEL_SECONDS,
        )
