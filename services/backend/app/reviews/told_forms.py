"""Forms of which somebody is to be told."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.form_deliveries import FormDeliveries
from libs.common.contracts.forms import FormQuery
from libs.common.contracts.subjects import FORM_DELIVERIES
from libs.common.messaging.bus import MessageBus

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldForms:
    """The engine keeps them."""

    bus: MessageBus

    async def deliveries(self, tenant_id: UUID, form_id: UUID) -> FormDeliveries:
        """The form, and who is to be told of it. Raises NotFound, Unavailable and
        UpstreamTimeout."""
        return await self.bus.request(
            FORM_DELIVERIES,
            FormQuery(tenant_id=tenant_id, form_id=form_id),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )
