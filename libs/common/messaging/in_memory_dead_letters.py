"""Dead letters inside one process. The port: libs.common.messaging.dead_letters."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.errors import NotFound
from libs.common.messaging.dead_letters import (
    DeadLetter,
    DeadLetterPage,
    OpenedLetter,
    nearest_after,
)
from libs.common.messaging.headers import envelope_headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A stored message."""

    body: bytes
    envelope: Envelope


Requeue = Callable[[DeadLetter, Delivery], None]


class InMemoryDeadLetters:
    """`requeue` puts a message before its consumer group again."""

    def __init__(self, clock: Clock, requeue: Requeue) -> None:
        self._clock = clock
        self._requeue = requeue
        self._kept: dict[int, tuple[DeadLetter, Delivery]] = {}
        self._last_id = 0

    def bury(self, delivery: Delivery, subject: str, durable: str, errors: list[str]) -> None:
        """Keep a message that failed with `errors`, oldest first."""
        self._last_id += 1
        letter = DeadLetter(
            id=self._last_id,
            tenant_id=delivery.envelope.tenant_id,
            subject=subject,
            consumer=durable,
            first_error=errors[0],
            last_error=errors[-1],
            deliveries=len(errors),
            buried_at=self._clock.now(),
            size=len(delivery.body),
        )
        self._kept[letter.id] = (letter, delivery)

    async def page(
        self, tenant_id: UUID, *, subject: str | None = None, after: int = 0, limit: int = 50
    ) -> DeadLetterPage:
        found = [
            letter
            for letter, _ in self._kept.values()
            if letter.id > after
            and letter.tenant_id in {tenant_id, None}
            and subject in {letter.subject, None}
        ]
        return nearest_after([found], limit)

    async def open(self, tenant_id: UUID, letter_id: int, *, body_bytes: int) -> OpenedLetter:
        letter, delivery = self._found(tenant_id, letter_id)
        headers = envelope_headers(delivery.envelope)
        return OpenedLetter(letter=letter, headers=headers, body=delivery.body[:body_bytes])

    async def requeue(self, tenant_id: UUID, letter_id: int) -> DeadLetter:
        letter, delivery = self._found(tenant_id, letter_id)
        self._requeue(letter, delivery)
        del self._kept[letter_id]
        return letter

    async def drop(self, tenant_id: UUID, letter_id: int) -> None:
        self._found(tenant_id, letter_id)
        del self._kept[letter_id]

    def _found(self, tenant_id: UUID, letter_id: int) -> tuple[DeadLetter, Delivery]:
        found = self._kept.get(letter_id)
        if found is None or found[0].tenant_id not in {tenant_id, None}:
            raise NotFound("There is no such dead letter.")
        return found
