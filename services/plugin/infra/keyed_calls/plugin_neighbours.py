"""The other replicas of this service, through their own subjects."""

from collections.abc import AsyncGenerator
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.keyed_calls import AttachCall, AttachedResult, CancelCall
from libs.common.contracts.subjects import PLUGIN_ATTACH, PLUGIN_CANCEL
from libs.common.messaging.bus import MessageBus

_CANCEL_SECONDS = 2.0
_ATTACH_SECONDS = 60.0


class PluginNeighbours:
    """Implements Neighbours for calls with one reply."""

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
    ) -> AsyncGenerator[AttachedResult, None]:
        # A longer call is asked for again: the ledger is looked up in between, so that a holder
        # that died is noticed.
        yield await self._bus.request(
            PLUGIN_ATTACH.at(str(holder)),
            AttachCall(tenant_id=tenant_id, key=key, claim_number=claim_number),
            envelope=Envelope(tenant_id=tenant_id, sealed_run=sealed_run),
            timeout=_ATTACH_SECONDS,
        )

    async def cancel(
        self, holder: UUID, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> None:
        await self._bus.request(
            PLUGIN_CANCEL.at(str(holder)),
            CancelCall(tenant_id=tenant_id, run_id=run_id, key=key, epoch=epoch),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_CANCEL_SECONDS,
        )
