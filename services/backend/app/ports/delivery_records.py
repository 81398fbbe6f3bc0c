"""What became of telling people: a row for each form and recipient, without the recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from libs.common.contracts.form_deliveries import Channel

DeliveryStatus = Literal["sending", "failed", "refused", "sent", "closed", "untold"]
"""`closed`: the form was over before. `untold`: there is no mail server. `refused`: it was given
up, and waits as a dead letter; `failed` is tried again."""

Claimed = Literal["ours", "over", "busy"]
"""`over`: it was sent, or needs no sending. `busy`: somebody else is sending it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    delivery_id: UUID
    channel: Channel
    status: DeliveryStatus
    attempts: int
    changed_at: datetime
    last_error: str | None


class DeliveryRecords(Protocol):
    """Every call raises Unavailable when the store is away."""

    async def claim(
        self, tenant_id: UUID, form_id: UUID, delivery_id: UUID, channel: Channel, *, seconds: float
    ) -> Claimed:
        """Begin a try that has `seconds`; after them anybody may begin another."""
        ...

    async def settle(
        self,
        tenant_id: UUID,
        delivery_id: UUID,
        status: DeliveryStatus,
        error: str | None = None,
    ) -> None:
        """How the try ended. What was sent stays sent."""
        ...

    async def of_form(self, tenant_id: UUID, form_id: UUID) -> Sequence[DeliveryRecord]: ...
