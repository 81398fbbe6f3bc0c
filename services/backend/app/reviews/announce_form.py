"""One message for each recipient of a form, so that none waits for another."""

from dataclasses import dataclass

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.form_deliveries import DeliverForm, FormOpened, delivery_id
from libs.common.contracts.subjects import DELIVER_FORM
from libs.common.errors import NotFound
from libs.common.messaging.bus import MessageBus
from services.backend.app.reviews.told_forms import ToldForms


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceForm:
    forms: ToldForms
    bus: MessageBus

    async def __call__(self, fact: FormOpened) -> None:
        """Idempotent. Raises Unavailable and UpstreamTimeout; then it is to be told again."""
        try:
            found = await self.forms.deliveries(fact.tenant_id, fact.form_id)
        except NotFound:
            return
        for delivery in found.deliveries:
            order = DeliverForm(
                tenant_id=fact.tenant_id,
                form_id=fact.form_id,
                delivery_id=delivery_id(fact.form_id, delivery),
            )
            await self.bus.enqueue(
                DELIVER_FORM,
                order,
                envelope=Envelope(tenant_id=fact.tenant_id),
                message_id=str(order.delivery_id),
            )
