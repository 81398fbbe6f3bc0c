"""Beginning runs on the native API."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.contracts.run_limits import RunBounds
from libs.common.strict_json import StrictJsonRoute
from services.backend.app.runs.await_run import AwaitRun
from services.backend.app.runs.start_run import RunRequest, StartRun
from services.backend.domain.identity.end_users import DEFAULT_SESSION
from services.backend.domain.identity.keys import Principal
from services.backend.domain.runs.prefer_wait import preferred_wait
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.native.run_views import RunView


class LimitsBody(BaseModel):
    """Bounds of this run: node executions, seconds, tokens of model calls, and how many runs deep
    it may call. They narrow those of the workflow and of the deployment, and never widen them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_steps: int | None = Field(default=None, gt=0)
    max_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, gt=0)
    max_depth: int | None = Field(default=None, gt=0)


class StartBody(BaseModel):
    """`query` begins or goes on with a turn of a chat app, and is for those only. `user` is the
    caller's own name for its end user; `version_id` None: the published one. `root` is the node to
    begin with, one of several triggers; None: the version's first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: dict[str, JsonValue] = {}
    query: str | None = None
    conversation_id: UUID | None = None
    user: str = Field(default=DEFAULT_SESSION, min_length=1, max_length=255)
    files: list[JsonValue] = []
    version_id: UUID | None = None
    limits: LimitsBody = LimitsBody()
    root: str | None = Field(default=None, min_length=1, max_length=255)


class RunBegun(BaseModel):
    """Where to look at a run that goes on; the paths are relative to this API's address."""

    run_id: UUID
    status: str
    run: str
    events: str
    trace: str
    conversation_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDoor:
    """`most_seconds` bounds every wait."""

    caller: CallerOf
    start: StartRun
    wait: AwaitRun
    most_seconds: float


def native_start_router(door: StartDoor) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["runs"], route_class=StrictJsonRoute)
    workspace = Depends(door.caller.of("adm", "ws"))

    @router.post("/apps/{app_id}/runs", status_code=202, responses={200: {"model": RunView}})
    async def start(
        app_id: UUID,
        body: StartBody,
        who: Annotated[Principal, workspace],
        response: Response,
        wait: Annotated[float | None, Query(ge=0, allow_inf_nan=False)] = None,
        prefer: Annotated[str | None, Header()] = None,
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> RunBegun | RunView:
        """202 as soon as the run is accepted; with `wait` (or `Prefer: wait=n`) 200 and the run
        if it ends within that many seconds, or the problem that it ended with."""
        run = await door.start(_request(who, app_id, body, idempotency_key))
        path = f"/api/runs/{run.run_id}"
        response.headers["Location"] = path
        preferred = preferred_wait(prefer)
        seconds = min(wait if wait is not None else preferred or 0, door.most_seconds)
        if wait is None and preferred is not None:
            response.headers["Preference-Applied"] = f"wait={preferred}"
        if seconds > 0 and (ended := await door.wait.ended(run, seconds)) is not None:
            response.status_code = 200
            return RunView.of(ended)
        status = await door.wait.handed_over(run)
        return RunBegun(
            run_id=run.run_id,
            status=status,
            run=path,
            events=f"{path}/events",
            trace=f"{path}/trace",
            conversation_id=run.conversation_id,
        )

    _ = start
    return router


def _request(who: Principal, app_id: UUID, body: StartBody, key: str | None) -> RunRequest:
    return RunRequest(
        tenant_id=who.tenant_id,
        app_id=app_id,
        session_id=body.user,
        inputs=body.inputs,
        files=body.files,
        query=None if body.query is None else body.query.replace("\0", ""),
        conversation_id=body.conversation_id,
        version_id=body.version_id,
        idempotency_key=key,
        limits=RunBounds(**body.limits.model_dump()),
        root=body.root,
    )
