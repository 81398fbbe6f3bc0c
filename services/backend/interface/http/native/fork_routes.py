"""Looking back on the native API: replays, forks and differences of runs."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from libs.common.strict_json import StrictJsonRoute
from services.backend.app.runs.await_run import AwaitRun
from services.backend.app.runs.diff_runs import DiffRuns
from services.backend.app.runs.fork_run import ForkRun
from services.backend.domain.identity.keys import Principal
from services.backend.domain.runs.forks import ForkRequest
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.native.diff_views import DiffView
from services.backend.interface.http.native.fork_views import (
    ForkBody,
    ForkStart,
    PreviewView,
    ReplayStart,
)
from services.backend.interface.http.native.start_routes import RunBegun

IdempotencyKey = Annotated[str | None, Header(max_length=255)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkDoor:
    caller: CallerOf
    fork: ForkRun
    diff: DiffRuns
    wait: AwaitRun

    async def begun(
        self,
        request: ForkRequest,
        start: ReplayStart | ForkStart,
        response: Response,
        key: str | None,
    ) -> RunBegun:
        """Start what `start` names, and tell where to look at it."""
        run = await self.fork.start(
            request, digest=start.digest, allow_unsafe=start.allow_unsafe, idempotency_key=key
        )
        path = f"/api/runs/{run.run_id}"
        response.headers["Location"] = path
        return RunBegun(
            run_id=run.run_id,
            status=await self.wait.handed_over(run),
            run=path,
            events=f"{path}/events",
            trace=f"{path}/trace",
            conversation_id=None,
        )


def native_fork_router(door: ForkDoor) -> APIRouter:
    router = APIRouter(prefix="/api/runs", tags=["runs"], route_class=StrictJsonRoute)
    workspace = Depends(door.caller.of("adm", "ws"))

    @router.post("/{run_id}/replay/preview")
    async def preview_replay(run_id: UUID, who: Annotated[Principal, workspace]) -> PreviewView:
        """What a run with the same inputs and version would execute: everything."""
        return PreviewView.of(await door.fork.preview(_replay(who, run_id)))

    @router.post("/{run_id}/replay", status_code=202)
    async def replay(
        run_id: UUID,
        body: ReplayStart,
        who: Annotated[Principal, workspace],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> RunBegun:
        return await door.begun(_replay(who, run_id), body, response, idempotency_key)

    @router.post("/{run_id}/fork/preview")
    async def preview_fork(
        run_id: UUID, body: ForkBody, who: Annotated[Principal, workspace]
    ) -> PreviewView:
        """What a run from one node on would execute, and what it would take over."""
        return PreviewView.of(await door.fork.preview(_fork(who, run_id, body)))

    @router.post("/{run_id}/fork", status_code=202)
    async def fork(
        run_id: UUID,
        body: ForkStart,
        who: Annotated[Principal, workspace],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> RunBegun:
        return await door.begun(_fork(who, run_id, body), body, response, idempotency_key)

    @router.get("/{run_id}/diff/{other_id}")
    async def diff(
        run_id: UUID,
        other_id: UUID,
        who: Annotated[Principal, workspace],
        changed: bool = False,
        limit: Annotated[int, Query(ge=1, le=2000)] = 500,
    ) -> DiffView:
        """Two runs node by node: `run_id` is left. `changed`: only nodes that differ."""
        found = await door.diff(who.tenant_id, run_id, other_id)
        return DiffView.of(found, changed=changed, limit=limit)

    _ = (preview_replay, replay, preview_fork, fork, diff)
    return router


def _replay(who: Principal, run_id: UUID) -> ForkRequest:
    return ForkRequest(tenant_id=who.tenant_id, run_id=run_id)


def _fork(who: Principal, run_id: UUID, body: ForkBody) -> ForkRequest:
    return ForkRequest(
        tenant_id=who.tenant_id,
        run_id=run_id,
        from_node=body.from_node,
        inputs=body.inputs,
        outputs=body.outputs,
        version_id=body.version_id,
    )
