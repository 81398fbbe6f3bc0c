"""Answers to callers of runs: one document at the end, or a stream of events."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import JsonValue
from pydantic_core import to_json

from libs.common.contracts.run_events import RunFinished, RunPaused
from libs.common.errors import HeddleError
from services.backend.app.errors import RunFailed, RunNotFinished
from services.backend.app.runs.follow_run import SILENCE_SECONDS, FollowedItem, Quiet
from services.backend.app.runs.start_run import StartedRun
from services.backend.domain.runs.records import RunEnding, ending_of
from services.backend.domain.runs.run_joiner import Happened, TextShown, TextWithdrawn
from services.backend.interface.http.dify.pause_payloads import (
    TokenOf,
    paused_chat_answer,
    paused_workflow_answer,
)
from services.backend.interface.http.dify.run_payloads import chat_answer, workflow_answer
from services.backend.interface.http.dify.stream_events import StreamEvents, WireEvent

PING = b"event: ping\n\n"
_PING_SECONDS = 10.0
_CHAT = "advanced-chat"


async def blocking_answer(
    run: StartedRun,
    items: AsyncGenerator[FollowedItem],
    seconds: float,
    *,
    token_of: TokenOf,
) -> dict[str, JsonValue]:
    """Wait for the end, or the pause that `items` end with, at most `seconds`. Raises
    RunNotFinished, and RunFailed for a chat."""
    try:
        async with asyncio.timeout(seconds), aclosing(items):
            ending, text = await _ending(run, items)
    except TimeoutError as error:
        raise RunNotFinished(
            f"The run goes on; ask for it as {run.run_id}.",
            extra={"workflow_run_id": str(run.run_id), "task_id": str(run.run_id)},
        ) from error
    if isinstance(ending, RunPaused):
        if run.mode != _CHAT:
            return paused_workflow_answer(run, ending, token_of)
        return paused_chat_answer(run, ending, text, token_of)
    if run.mode != _CHAT:
        return workflow_answer(run, ending)
    if ending.status == "failed":
        raise RunFailed(
            f"Run failed: {ending.error or ''}", extra={"workflow_run_id": str(run.run_id)}
        )
    return chat_answer(run, ending)


async def _ending(
    run: StartedRun, items: AsyncGenerator[FollowedItem]
) -> tuple[RunEnding | RunPaused, str]:
    """How the items end, and the visible text."""
    text: list[str] = []
    paused: RunPaused | None = None
    async for item in items:
        match item:
            case TextShown():
                text.append(item.text)
            case TextWithdrawn():
                text = [item.text]
            case Happened(event=RunFinished() as finished):
                return ending_of(run.run_id, finished, "".join(text)), "".join(text)
            case Happened(event=RunPaused() as event):
                paused = event
            case _:
                pass
    if paused is not None:
        return paused, "".join(text)
    raise RunNotFinished("The run's story broke off.")


async def event_bytes(
    events: StreamEvents, items: AsyncGenerator[FollowedItem], *, quiet_seconds: float
) -> AsyncGenerator[bytes]:
    """The stream: a ping at once, then every event, pings meanwhile. Ends with an error event when
    nothing happened for `quiet_seconds`."""
    yield PING
    quiet = since_ping = 0.0
    try:
        async with aclosing(items):
            async for item in items:
                if not isinstance(item, Quiet):
                    quiet = since_ping = 0.0
                    for event in events.of(item):
                        yield encoded(event)
                    continue
                quiet += SILENCE_SECONDS
                since_ping += SILENCE_SECONDS
                if quiet >= quiet_seconds:
                    raise RunNotFinished("Nothing has been heard of the run for too long.")
                if since_ping >= _PING_SECONDS:
                    since_ping = 0.0
                    yield PING
    except HeddleError as error:
        yield encoded(events.error(error))


def encoded(event: WireEvent) -> bytes:
    data = b"data: " + to_json(event.body) + b"\n\n"
    return data if event.id is None else b"id: " + event.id.encode() + b"\n" + data
