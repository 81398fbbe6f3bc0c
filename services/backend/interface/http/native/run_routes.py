"""Runs on the native API: look at them, stop them, resume them."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query

from libs.common.contracts.run_commands import RunStatus
from services.backend.app.runs.list_runs import ListRuns
from services.backend.app.runs.resume_run import ResumeRun
from services.backend.app.runs.show_run import ShowRun
from services.backend.app.runs.stop_run import StopRun
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.native.run_views import (
    NodeView,
    RunCommanded,
    RunLineView,
    RunList,
    RunView,
    TraceView,
)

_LARGEST_SEQ = 2**63 - 1
Limit = Annotated[int, Query(ge=1, le=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRunDoor:
    caller: CallerOf
    runs: ListRuns
    show: ShowRun
    stop: StopRun
    resume: ResumeRun


def native_run_router(door: NativeRunDoor) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["runs"])
    workspace = Depends(door.caller.of("adm", "ws"))

    @router.get("/runs")
    async def runs(
        who: Annotated[Principal, workspace],
        status: RunStatus | None = None,
        app_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        before: UUID | None = None,
        limit: Limit = 50,
    ) -> RunList:
        """The workspace's runs, newest first; with `parent_run_id` those that this run called,
        whatever their status."""
        page = await door.runs(
            who.tenant_id,
            status=status,
            app_id=app_id,
            parent=parent_run_id,
            before=before,
            limit=limit,
        )
        return RunList(runs=[RunLineView.of(line) for line in page.runs], has_more=page.more)

    @router.get("/runs/{run_id}")
    async def run(run_id: UUID, who: Annotated[Principal, workspace]) -> RunView:
        return RunView.of(await door.show(who.tenant_id, run_id))

    @router.get("/runs/{run_id}/trace")
    async def trace(
        run_id: UUID,
        who: Annotated[Principal, workspace],
        after: Annotated[int, Query(ge=0, le=_LARGEST_SEQ)] = 0,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    ) -> TraceView:
        """What its nodes did, in the order in which they began."""
        shown = RunView.of(await door.show(who.tenant_id, run_id))
        found = await door.show.trace(who.tenant_id, run_id, after_seq=after, limit=limit)
        if found is None:
            return TraceView(run=shown, nodes=[], last=after)
        nodes = [NodeView.of(node) for node in found.nodes]
        return TraceView(run=shown, nodes=nodes, has_more=found.more, last=found.last_seq)

    @router.post("/runs/{run_id}/abort", status_code=202)
    async def abort(run_id: UUID, who: Annotated[Principal, workspace]) -> RunCommanded:
        """Durable when answered; a run that has ended stays as it is."""
        await door.stop(who.tenant_id, None, run_id, None)
        shown = await door.show(who.tenant_id, run_id)
        return RunCommanded(run_id=run_id, status=shown.status)

    @router.post("/runs/{run_id}/resume", status_code=202)
    async def resume(
        run_id: UUID,
        who: Annotated[Principal, workspace],
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> RunCommanded:
        """Let a paused run go on; put one that was set aside back into the queue."""
        status = await door.resume(who.tenant_id, run_id, idempotency_key)
        return RunCommanded(run_id=run_id, status=status)

    _ = (runs, run, trace, abort, resume)
    return router
