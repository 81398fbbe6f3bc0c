"""Durable messages that were given up, as an operator looks after them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

PLATFORM = "platform"
"""Stands for the tenant of a message that belongs to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message that a consumer group gave up.

    `subject` is where it was enqueued, `size` its body in bytes, `deliveries` how often it was
    tried. `first_error` is None where the member that saw the first failure is not the one that
    gave up. `tenant_id` None: a message of the platform.
    """

    id: int
    tenant_id: UUID | None
    subject: str
    consumer: str
    first_error: str | None
    last_error: str
    deliveries: int
    buried_at: datetime
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterPage:
    """Oldest first. `more`: ask again after the last id."""

    letters: tuple[DeadLetter, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLetter:
    """`headers` as the message travels with them; `body` may be cut, `letter.size` is whole."""

    letter: DeadLetter
    headers: dict[str, str]
    body: bytes


class DeadLetters(Protocol):
    """What an operator of one tenant may do: with that tenant's letters, and with those of the
    platform. Letters are kept for seven days. Raises Unavailable when the bus is away."""

    async def page(
        self, tenant_id: UUID, *, subject: str | None = None, after: int = 0, limit: int = 50
    ) -> DeadLetterPage:
        """At most `limit` letters with an id above `after`; `subject` None: of all subjects."""
        ...

    async def open(self, tenant_id: UUID, letter_id: int, *, body_bytes: int) -> OpenedLetter:
        """One letter with at most `body_bytes` of its body. Raises NotFound."""
        ...

    async def requeue(self, tenant_id: UUID, letter_id: int) -> DeadLetter:
        """Give the message to its consumer group once more, and drop the letter; the letter that
        was. Repeated within two minutes it is stored once. Raises NotFound."""
        ...

    async def drop(self, tenant_id: UUID, letter_id: int) -> None:
        """Forget the letter. Raises NotFound."""
        ...


async def requeue_all(letters: DeadLetters, tenant_id: UUID, subject: str, most: int) -> int:
    """Requeue the letters of `subject` that stand there now, oldest first, at most `most`; how
    many. One that fails again is a new letter and not taken up twice."""
    standing: list[DeadLetter] = []
    after, more = 0, True
    while more and len(standing) < most:
        page = await letters.page(tenant_id, subject=subject, after=after, limit=100)
        standing.extend(page.letters)
        more = page.more and bool(page.letters)
        after = standing[-1].id if standing else 0
    for letter in standing[:most]:
        await letters.requeue(tenant_id, letter.id)
    return min(len(standing), most)


def nearest_after(pages: list[list[DeadLetter]], limit: int) -> DeadLetterPage:
    """One page out of several, each with at least one letter more than `limit` where there are."""
    found = sorted((letter for page in pages for letter in page), key=lambda letter: letter.id)
    return DeadLetterPage(letters=tuple(found[:limit]), more=len(found) > limit)
