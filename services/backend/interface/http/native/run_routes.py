"""Runs on the native API."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, JsonValue

from libs.common.contracts.run_queries import NodeTrace
from services.backend.app.runs.show_run import ShownRun, ShowRun
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf


class RunView(BaseModel):
    """`status` queued, running, parked, succeeded, partial-succeeded, failed, stopped,
    quarantined or incompatible. Times are Unix seconds."""

    run_id: UUID
    app_id: UUID
    version_id: UUID
    mode: str
    status: str
    inputs: dict[str, JsonValue]
    outputs: dict[str, JsonValue]
    answer: str
    error: str | None
    conversation_id: UUID | None
    message_id: UUID | None
    user: str
    total_tokens: int
    total_steps: int
    exceptions_count: int
    created_at: float
    finished_at: float | None
    elapsed_seconds: float | None


class NodeView(BaseModel):
    """One execution of a node."""

    node_id: str
    title: str
    type: str
    status: str
    elapsed_seconds: float
    total_tokens: int
    error: str | None
    index: int
    retries: int
    inputs: dict[str, JsonValue]
    outputs: dict[str, JsonValue]


class TraceView(BaseModel):
    run: RunView
    nodes: list[NodeView]


def native_run_router(caller: CallerOf, show: ShowRun) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["runs"])
    workspace = Depends(caller.of("adm", "ws"))

    @router.get("/runs/{run_id}")
    async def run(run_id: UUID, who: Annotated[Principal, workspace]) -> RunView:
        return _run_view(await show(who.tenant_id, run_id))

    @router.get("/runs/{run_id}/trace")
    async def trace(run_id: UUID, who: Annotated[Principal, workspace]) -> TraceView:
        shown = await show(who.tenant_id, run_id)
        found = await show.trace(who.tenant_id, run_id)
        nodes = [_node_view(node) for node in found.nodes] if found else []
        return TraceView(run=_run_view(shown), nodes=nodes)

    _ = (run, trace)
    return router


def _run_view(shown: ShownRun) -> RunView:
    run, ending = shown.run, shown.run.ending
    return RunView(
        run_id=run.run_id,
        app_id=run.app_id,
        version_id=run.version_id,
        mode=run.mode,
        status=shown.status,
        inputs=run.acceptance.inputs,
        outputs=ending.outputs if ending else {},
        answer=ending.answer if ending else "",
        error=ending.error if ending else None,
        conversation_id=run.conversation_id,
        message_id=run.message_id,
        user=run.session_id,
        total_tokens=ending.total_tokens if ending else 0,
        total_steps=ending.total_steps if ending else 0,
        exceptions_count=ending.exceptions_count if ending else 0,
        created_at=run.created_at.timestamp(),
        finished_at=ending.finished_at.timestamp() if ending else None,
        elapsed_seconds=ending.elapsed_seconds if ending else None,
    )


def _node_view(node: NodeTrace) -> NodeView:
    return NodeView(
        node_id=node.node_id,
        title=node.title,
        type=node.node_type,
        status=node.status,
        elapsed_seconds=node.elapsed_seconds,
        total_tokens=node.total_tokens,
        error=node.error,
        index=node.index,
        retries=node.retries,
        inputs=node.inputs,
        outputs=node.outputs,
    )
