"""Messages that were given up, for an operator."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from libs.common.messaging.dead_letters import DeadLetter, DeadLetters, requeue_all
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf

_BODY_BYTES = 64 * 1024
_MOST_AT_ONCE = 1000
Limit = Annotated[int, Query(ge=1, le=100)]


class LetterView(BaseModel):
    """`tenant_id` None: a message of the platform. `size` in bytes, `buried_at` Unix seconds.
    `first_error` None: another process saw it."""

    id: int
    tenant_id: UUID | None
    subject: str
    consumer: str
    first_error: str | None
    last_error: str
    deliveries: int
    buried_at: float
    size: int

    @classmethod
    def of(cls, letter: DeadLetter) -> "LetterView":
        return cls(
            id=letter.id,
            tenant_id=letter.tenant_id,
            subject=letter.subject,
            consumer=letter.consumer,
            first_error=letter.first_error,
            last_error=letter.last_error,
            deliveries=letter.deliveries,
            buried_at=letter.buried_at.timestamp(),
            size=letter.size,
        )


class LetterList(BaseModel):
    """Oldest first. `has_more`: ask again with `after` the last id."""

    dead_letters: list[LetterView]
    has_more: bool


class OpenedView(LetterView):
    """`body` holds at most the first 65,536 bytes, what is not UTF-8 in it replaced."""

    headers: dict[str, str]
    body: str
    truncated: bool


class Requeued(BaseModel):
    """How many messages went back."""

    requeued: int


def native_dead_letter_router(caller: CallerOf, letters: DeadLetters) -> APIRouter:
    router = APIRouter(prefix="/api/operations/dead-letters", tags=["operations"])
    admin = Depends(caller.of("adm"))

    @router.get("")
    async def page(
        who: Annotated[Principal, admin],
        subject: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.-]+$")] = None,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Limit = 50,
    ) -> LetterList:
        """Those of the workspace and of the platform itself; kept for seven days."""
        found = await letters.page(who.tenant_id, subject=subject, after=after, limit=limit)
        views = [LetterView.of(letter) for letter in found.letters]
        return LetterList(dead_letters=views, has_more=found.more)

    @router.get("/{letter_id}")
    async def show(letter_id: int, who: Annotated[Principal, admin]) -> OpenedView:
        found = await letters.open(who.tenant_id, letter_id, body_bytes=_BODY_BYTES)
        return OpenedView(
            **LetterView.of(found.letter).model_dump(),
            headers=found.headers,
            body=found.body.decode("utf-8", errors="replace"),
            truncated=found.letter.size > len(found.body),
        )

    @router.post("/requeue")
    async def requeue_subject(
        who: Annotated[Principal, admin],
        subject: Annotated[str, Query(pattern=r"^[A-Za-z0-9_.-]+$")],
    ) -> Requeued:
        """Give every message of `subject` to its consumers once more, at most 1,000 at once."""
        return Requeued(requeued=await requeue_all(letters, who.tenant_id, subject, _MOST_AT_ONCE))

    @router.post("/{letter_id}/requeue")
    async def requeue(letter_id: int, who: Annotated[Principal, admin]) -> Requeued:
        await letters.requeue(who.tenant_id, letter_id)
        return Requeued(requeued=1)

    @router.delete("/{letter_id}", status_code=204)
    async def drop(letter_id: int, who: Annotated[Principal, admin]) -> None:
        await letters.drop(who.tenant_id, letter_id)

    _ = (page, show, requeue_subject, requeue, drop)
    return router
