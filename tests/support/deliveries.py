"""Telling people without a network, by the rules of the real senders and rows."""

from collections import Counter
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.form_deliveries import Channel
from services.backend.app.errors import DeliveryFailed, DeliveryRefused
from services.backend.app.ports.delivery_metrics import Outcome
from services.backend.app.ports.delivery_records import (
    Claimed,
    DeliveryRecord,
    DeliveryStatus,
)
from services.backend.domain.reviews.form_hook import FormHook
from services.backend.domain.reviews.form_mail import FormMail


@dataclass(slots=True)
class InMemoryMailSender:
    """Implements MailSender. `answer` is the server's reply, None: it is away."""

    answer: int | None = 250
    sent: list[FormMail] = field(default_factory=list[FormMail])

    async def send(self, mail: FormMail) -> None:
        try:
            Address(addr_spec=mail.to)
        except (ValueError, IndexError, MessageError) as error:
            raise DeliveryRefused("The mail cannot be written.") from error
        if len(mail.subject.splitlines()) > 1:
            raise DeliveryRefused("The mail cannot be written.")
        if self.answer is None:
            raise DeliveryFailed("The mail server cannot be asked.", retryable=True)
        if self.answer >= 500:
            raise DeliveryRefused(f"The mail server answered {self.answer} to the recipient.")
        if self.answer >= 400:
            raise DeliveryFailed(f"The mail server answered {self.answer}.", retryable=True)
        self.sent.append(mail)


@dataclass(slots=True)
class InMemoryWebhookSender:
    """Implements WebhookSender. `answer` is the receiver's status, None: it is away."""

    answer: int | None = 200
    sent: list[FormHook] = field(default_factory=list[FormHook])

    async def send(self, hook: FormHook) -> None:
        if self.answer is None:
            raise DeliveryFailed("The webhook's receiver did not answer.", retryable=True)
        self.sent.append(hook)
        if self.answer == 410:
            raise DeliveryRefused("The webhook's receiver answered 410.")
        if not 200 <= self.answer < 300:
            raise DeliveryFailed(f"The receiver answered {self.answer}.", retryable=True)


@dataclass(slots=True)
class CountedDeliveries:
    """Implements DeliveryMetrics."""

    tries: Counter[tuple[Channel, Outcome]] = field(
        default_factory=Counter[tuple[Channel, Outcome]]
    )

    def tried(self, channel: Channel, outcome: Outcome) -> None:
        self.tries[channel, outcome] += 1


@dataclass(slots=True)
class _Row:
    form_id: UUID
    record: DeliveryRecord
    until: float


class InMemoryDeliveryRecords:
    """Implements DeliveryRecords."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[tuple[UUID, UUID], _Row] = {}

    async def claim(
        self, tenant_id: UUID, form_id: UUID, delivery_id: UUID, channel: Channel, *, seconds: float
    ) -> Claimed:
        found = self._rows.get((tenant_id, delivery_id))
        if found is not None and found.record.status == "sending":
            if found.until > self._clock.monotonic():
                return "busy"
        elif found is not None and found.record.status not in {"failed", "refused"}:
            return "over"
        record = DeliveryRecord(
            delivery_id=delivery_id,
            channel=channel,
            status="sending",
            attempts=1 if found is None else found.record.attempts + 1,
            changed_at=self._clock.now(),
            last_error=None,
        )
        until = self._clock.monotonic() + seconds
        self._rows[tenant_id, delivery_id] = _Row(form_id, record, until)
        return "ours"

    async def settle(
        self,
        tenant_id: UUID,
        delivery_id: UUID,
        status: DeliveryStatus,
        error: str | None = None,
    ) -> None:
        row = self._rows.get((tenant_id, delivery_id))
        if row is not None and row.record.status != "sent":
            row.record = DeliveryRecord(
                delivery_id=delivery_id,
                channel=row.record.channel,
                status=status,
                attempts=row.record.attempts,
                changed_at=self._clock.now(),
                last_error=error,
            )

    async def of_form(self, tenant_id: UUID, form_id: UUID) -> list[DeliveryRecord]:
        found = [
            row.record
            for (tenant, _), row in self._rows.items()
            if tenant == tenant_id and row.form_id == form_id
        ]
        return sorted(found, key=lambda record: record.delivery_id)
