"""A run's events on the native API, as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import JsonValue
from pydantic_core import to_json
from starlette.responses import Response

from libs.common.errors import HeddleError, InvalidInput
from services.backend.app.runs.follow_run import FollowedItem, FollowRun, Quiet
from services.backend.app.runs.show_run import ShowRun
from services.backend.domain.identity.keys import Principal
from services.backend.domain.runs.resume_point import START, ResumePoint, parse_resume_point
from services.backend.domain.runs.run_joiner import (
    Happened,
    TextShown,
    TextWithdrawn,
    Transient,
)
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.event_stream import EventStreamResponse

_PING = b": ping\n\n"


def native_event_router(caller: CallerOf, show: ShowRun, follow: FollowRun) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["runs"])
    workspace = Depends(caller.of("adm", "ws"))

    @router.get("/runs/{run_id}/events", response_model=None)
    async def events(
        run_id: UUID,
        who: Annotated[Principal, workspace],
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """What happened after `Last-Event-ID`, without it the whole story, to the run's end.

        Events are named as in the journal; text comes as `text` (it grew by `text`) and
        `text_replaced` (it is `text` now). `reasoning_delta` has no id and is never told again:
        the node's outputs hold the whole of it.
        """
        await show(who.tenant_id, run_id)
        seen = parse_resume_point(last_event_id) if last_event_id else START
        if seen is None:
            raise InvalidInput("Last-Event-ID must have the form <seq>.<offset>.")
        return EventStreamResponse(_stream(follow(who.tenant_id, run_id, seen=seen)))

    _ = events
    return router


async def _stream(items: AsyncGenerator[FollowedItem]) -> AsyncGenerator[bytes]:
    yield _PING
    try:
        async with aclosing(items):
            async for item in items:
                yield _told(item)
    except HeddleError as error:
        body: dict[str, JsonValue] = {
            "code": error.code,
            "detail": error.message,
            "retryable": error.retryable,
        }
        yield _event("error", body, None)


def _told(item: FollowedItem) -> bytes:
    match item:
        case Quiet():
            return _PING
        case Transient():
            return _event(item.event.kind, item.event.model_dump(mode="json"), None)
        case TextShown():
            body: dict[str, JsonValue] = {"text": item.text, "selector": [*item.selector]}
            return _event("text", body, item.at)
        case TextWithdrawn():
            return _event("text_replaced", {"text": item.text}, item.at)
        case Happened():
            return _event(item.event.kind, item.event.model_dump(mode="json"), item.at)


def _event(name: str, body: dict[str, JsonValue], at: ResumePoint | None) -> bytes:
    number = b"" if at is None else f"id: {at}\n".encode()
    return number + f"event: {name}\n".encode() + b"data: " + to_json(body) + b"\n\n"
