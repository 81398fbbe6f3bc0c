"""Running workflows and chats on Dify's wire."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import JsonValue
from pydantic_core import to_json
from starlette.responses import Response

from libs.common.contracts.run_events import RunFinished
from libs.common.errors import InvalidInput, NotFound
from libs.common.strict_json import StrictJsonRoute
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.runs.follow_run import FollowedItem, FollowRun, Quiet
from services.backend.app.runs.show_run import ShownRun, ShowRun
from services.backend.app.runs.start_run import RunRequest, StartRun
from services.backend.app.runs.stop_run import StopRun
from services.backend.app.runs.until_paused import UntilPaused
from services.backend.domain.identity.end_users import end_user_id
from services.backend.domain.identity.keys import Principal
from services.backend.domain.runs.resume_point import START, parse_resume_point
from services.backend.domain.runs.run_joiner import Happened
from services.backend.interface.http.callers import CallerOf, app_of
from services.backend.interface.http.dify.bodies import (
    ChatBody,
    ResponseMode,
    UserBody,
    WorkflowRunBody,
    required_user,
    user_or_default,
)
from services.backend.interface.http.dify.errors import ERRORS
from services.backend.interface.http.dify.run_answers import blocking_answer, event_bytes
from services.backend.interface.http.dify.statuses import shown_status
from services.backend.interface.http.dify.stream_events import StreamEvents
from services.backend.interface.http.event_stream import EventStreamResponse

_SUCCESS: dict[str, JsonValue] = {"result": "success"}
IdempotencyKey = Annotated[str | None, Header(max_length=255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDoor:
    """`run_seconds` bounds a blocking answer, and the silence of a stream."""

    caller: CallerOf
    start: StartRun
    stop: StopRun
    show: ShowRun
    follow: FollowRun
    until_paused: UntilPaused
    links: FormLinks
    run_seconds: float

    async def answer(self, request: RunRequest, mode: ResponseMode) -> Response:
        """Begin the run and answer as the caller wishes."""
        run = await self.start(request)
        items = self.until_paused(run.tenant_id, run.run_id, self.start.follow(run))
        token_of = partial(self.links.token, run.tenant_id)
        if mode == "streaming":
            events = StreamEvents(run, token_of=token_of)
            return EventStreamResponse(event_bytes(events, items, quiet_seconds=self.run_seconds))
        body = await blocking_answer(run, items, self.run_seconds, token_of=token_of)
        return Response(to_json(body), media_type="application/json; charset=utf-8")

    async def resumed(
        self,
        who: Principal,
        run_id: UUID,
        user: str,
        last_event_id: str | None,
        *,
        through_pauses: bool,
    ) -> Response:
        """What happened after the client's last event; without one, the whole story of a run under
        way, or the end of a finished one. It ends where the run waits for somebody, unless it goes
        `through_pauses`."""
        shown = await self.show(who.tenant_id, run_id, app_of(who))
        if shown.run.end_user_id != end_user_id(app_of(who), user):
            raise NotFound("Workflow run not found")
        run = await self.start.known(who.tenant_id, run_id)
        seen = parse_resume_point(last_event_id) if last_event_id else START
        if seen is None:
            raise InvalidInput("Last-Event-ID must have the form <seq>.<offset>.")
        items: AsyncGenerator[FollowedItem] = self.follow(who.tenant_id, run_id, seen=seen)
        if not last_event_id and shown.run.ending is not None:
            items = _only_the_end(items)
        elif not through_pauses:
            items = self.until_paused(who.tenant_id, run_id, items)
        events = StreamEvents(run, seen, token_of=partial(self.links.token, who.tenant_id))
        return EventStreamResponse(event_bytes(events, items, quiet_seconds=self.run_seconds))


def run_router(door: RunDoor) -> APIRouter:
    router = APIRouter(
        prefix="/v1", tags=["dify: runs"], route_class=StrictJsonRoute, responses=ERRORS
    )
    app_key = Depends(door.caller.of("app"))

    @router.post("/workflows/run", response_model=None)
    async def run_workflow(
        body: WorkflowRunBody,
        who: Annotated[Principal, app_key],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        request = _workflow_request(who, body, None, idempotency_key)
        return await door.answer(request, body.response_mode)

    @router.post("/workflows/{workflow_id}/run", response_model=None)
    async def run_version(
        workflow_id: UUID,
        body: WorkflowRunBody,
        who: Annotated[Principal, app_key],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        request = _workflow_request(who, body, workflow_id, idempotency_key)
        return await door.answer(request, body.response_mode)

    @router.post("/chat-messages", response_model=None)
    async def chat(
        body: ChatBody, who: Annotated[Principal, app_key], idempotency_key: IdempotencyKey = None
    ) -> Response:
        request = RunRequest(
            tenant_id=who.tenant_id,
            app_id=app_of(who),
            session_id=user_or_default(body.user),
            inputs=body.inputs,
            files=body.files or [],
            query=body.query.replace("\0", ""),
            conversation_id=body.conversation_id,
            auto_name=body.auto_generate_name,
            version_id=body.workflow_id,
            idempotency_key=idempotency_key,
        )
        return await door.answer(request, body.response_mode)

    @router.post("/workflows/tasks/{task_id}/stop")
    @router.post("/chat-messages/{task_id}/stop")
    async def stop(
        task_id: UUID, body: UserBody, who: Annotated[Principal, app_key]
    ) -> dict[str, JsonValue]:
        user = required_user(body.user)
        await door.stop(who.tenant_id, app_of(who), task_id, user)
        return _SUCCESS

    @router.get("/workflows/run/{run_id}")
    async def show(run_id: UUID, who: Annotated[Principal, app_key]) -> dict[str, JsonValue]:
        return run_detail(await door.show(who.tenant_id, run_id, app_of(who)))

    @router.get("/workflow/{run_id}/events", response_model=None)
    async def events(
        run_id: UUID,
        who: Annotated[Principal, app_key],
        user: str | None = None,
        continue_on_pause: bool = False,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        return await door.resumed(
            who,
            run_id,
            required_user(user),
            last_event_id,
            through_pauses=continue_on_pause,
        )

    _ = (run_workflow, run_version, chat, stop, show, events)
    return router


def run_detail(shown: ShownRun) -> dict[str, JsonValue]:
    """GET /workflows/run/{id}."""
    run, ending = shown.run, shown.run.ending
    return {
        "id": str(run.run_id),
        "workflow_id": str(run.version_id),
        "status": shown_status(shown.status),
        "inputs": run.acceptance.inputs,
        "outputs": ending.outputs if ending else {},
        "error": ending.error if ending else None,
        "total_steps": ending.total_steps if ending else 0,
        "total_tokens": ending.total_tokens if ending else 0,
        "created_at": int(run.created_at.timestamp()),
        "finished_at": int(ending.finished_at.timestamp()) if ending else None,
        "elapsed_time": ending.elapsed_seconds if ending else 0.0,
    }


def _workflow_request(
    who: Principal, body: WorkflowRunBody, version_id: UUID | None, key: str | None
) -> RunRequest:
    return RunRequest(
        tenant_id=who.tenant_id,
        app_id=app_of(who),
        session_id=required_user(body.user),
        inputs=body.inputs,
        files=body.files or [],
        version_id=version_id,
        idempotency_key=key,
    )


async def _only_the_end(items: AsyncGenerator[FollowedItem]) -> AsyncGenerator[FollowedItem]:
    try:
        async for item in items:
            ended = isinstance(item, Happened) and isinstance(item.event, RunFinished)
            if ended or isinstance(item, Quiet):
                yield item
    finally:
        await items.aclose()
