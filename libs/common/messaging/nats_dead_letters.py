"""Dead letters in their stream on NATS. The port: libs.common.messaging.dead_letters."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# nats-py leaves parts of its signatures untyped.

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar, cast
from uuid import UUID

from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from libs.common.errors import NotFound, Unavailable
from libs.common.messaging import headers as names
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.dead_letter_headers import graves_of, letter_of, living, owner_of
from libs.common.messaging.dead_letters import (
    PLATFORM,
    DeadLetter,
    DeadLetterPage,
    OpenedLetter,
    nearest_after,
)
from libs.common.messaging.nats_streams import DEAD_STREAM, NatsStreams

T = TypeVar("T")

_LAST_NUMBER = 2**63 - 1
"""No stream comes to it; the server refuses to look for numbers beyond."""


class NatsDeadLetters:
    """A letter's id is its number in the stream; one request reads one letter."""

    def __init__(self, streams: NatsStreams, bodies: BodyReferences) -> None:
        self._streams = streams
        self._bodies = bodies

    async def page(
        self, tenant_id: UUID, *, subject: str | None = None, after: int = 0, limit: int = 50
    ) -> DeadLetterPage:
        pages = [
            await self._after(graves_of(owner, subject), after, limit + 1)
            for owner in (str(tenant_id), PLATFORM)
        ]
        return nearest_after(pages, limit)

    async def open(self, tenant_id: UUID, letter_id: int, *, body_bytes: int) -> OpenedLetter:
        letter, headers, found = await self._found(tenant_id, letter_id)
        body = await self._bodies.incoming(found.data or b"", headers)
        return OpenedLetter(letter=letter, headers=headers, body=body[:body_bytes])

    async def requeue(self, tenant_id: UUID, letter_id: int) -> DeadLetter:
        letter, headers, found = await self._found(tenant_id, letter_id)
        # The body's object is stored anew: the old one goes before the message does.
        body = await self._bodies.incoming(found.data or b"", headers)
        headers.pop(names.BODY_REF, None)
        headers[names.ONLY_FOR] = letter.consumer
        headers[names.MESSAGE_ID] = f"{DEAD_STREAM}.{letter_id}"
        await self._streams.store(letter.subject, body, headers)
        await self._delete(letter_id)
        return letter

    async def drop(self, tenant_id: UUID, letter_id: int) -> None:
        await self._found(tenant_id, letter_id)
        await self._delete(letter_id)

    async def _after(self, graves: str, after: int, limit: int) -> list[DeadLetter]:
        letters: list[DeadLetter] = []
        while len(letters) < limit and after < _LAST_NUMBER:
            read = self._streams.jetstream.get_msg(
                DEAD_STREAM, seq=after + 1, subject=graves, next=True
            )
            found = await self._asked(read)
            if found is None:
                break
            letters.append(_letter(found))
            after = letters[-1].id
        return letters

    async def _found(
        self, tenant_id: UUID, letter_id: int
    ) -> tuple[DeadLetter, dict[str, str], RawStreamMsg]:
        found = None
        if 0 < letter_id <= _LAST_NUMBER:
            found = await self._asked(self._streams.jetstream.get_msg(DEAD_STREAM, seq=letter_id))
        if found is None or owner_of(found.subject or "") not in {str(tenant_id), PLATFORM}:
            raise NotFound("There is no such dead letter.")
        return _letter(found), living(_headers(found)), found

    async def _delete(self, letter_id: int) -> None:
        await self._asked(self._streams.jetstream.delete_msg(DEAD_STREAM, letter_id))

    async def _asked(self, call: Awaitable[T]) -> T | None:
        """None where there is no such letter, or no letter ever was."""
        try:
            return await call
        except NotFoundError:
            return None
        except (NatsError, TimeoutError, OSError) as error:
            raise Unavailable(f"the dead letters cannot be reached: {error}") from error


def _letter(found: RawStreamMsg) -> DeadLetter:
    return letter_of(found.seq or 0, _headers(found), found.time or datetime.now(UTC))


def _headers(found: RawStreamMsg) -> dict[str, str]:
    return cast("dict[str, str]", found.headers or {})
