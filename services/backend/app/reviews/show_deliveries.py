"""Who is told of a form, and what became of it."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.form_deliveries import EmailDelivery, FormDelivery, delivery_id
from services.backend.app.ports.delivery_records import DeliveryRecord, DeliveryRecords
from services.backend.app.reviews.told_forms import ToldForms


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDelivery:
    """`to` is an address or an URL; `record` None: not tried yet."""

    delivery_id: UUID
    channel: str
    to: str
    record: DeliveryRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDeliveries:
    forms: ToldForms
    records: DeliveryRecords

    async def __call__(self, tenant_id: UUID, form_id: UUID) -> list[ShownDelivery]:
        """As the workflow names them. Raises NotFound."""
        found = await self.forms.deliveries(tenant_id, form_id)
        records = {
            each.delivery_id: each for each in await self.records.of_form(tenant_id, form_id)
        }
        return [_shown(form_id, delivery, records) for delivery in found.deliveries]


def _shown(
    form_id: UUID, delivery: FormDelivery, records: dict[UUID, DeliveryRecord]
) -> ShownDelivery:
    place = delivery_id(form_id, delivery)
    return ShownDelivery(
        delivery_id=place,
        channel=delivery.channel,
        to=delivery.to if isinstance(delivery, EmailDelivery) else delivery.url,
        record=records.get(place),
    )
