"""Trying single nodes on the native API."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.contracts.run_queries import NodeTrace
from libs.common.strict_json import StrictJsonRoute
from services.backend.app.errors import RunFailed
from services.backend.app.runs.await_run import AwaitRun, RunUpstreamFailed
from services.backend.app.runs.show_run import ShowRun
from services.backend.app.runs.start_run import StartedRun
from services.backend.app.runs.try_node import NodeTest, TryNode
from services.backend.domain.identity.end_users import DEFAULT_SESSION
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.native.run_views import NodeView, RunView, TraceView
from services.backend.interface.http.native.start_routes import RunBegun

_MOST_NODES = 5000


class NodeTestBody(BaseModel):
    """`variables` stand in for what the node reads: by scope (a node's id, `sys`, `env`,
    `conversation`) and name. `version_id` None: the draft's node."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variables: dict[str, dict[str, JsonValue]] = {}
    version_id: UUID | None = None
    user: str = Field(default=DEFAULT_SESSION, min_length=1, max_length=255)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDoor:
    """`most_seconds` bounds every wait."""

    caller: CallerOf
    attempt: TryNode
    wait: AwaitRun
    show: ShowRun
    most_seconds: float

    async def ended(self, run: StartedRun, seconds: float) -> bool:
        """Whether the run ends, well or badly, within so many seconds."""
        if seconds <= 0:
            return False
        try:
            return await self.wait.ended(run, min(seconds, self.most_seconds)) is not None
        except (RunFailed, RunUpstreamFailed):
            return True

    async def trace(self, run: StartedRun, node_id: str) -> TraceView:
        """The run as its trace shows it, without the start that led to the node."""
        shown = await self.show(run.tenant_id, run.run_id)
        found = await self.show.trace(run.tenant_id, run.run_id, after_seq=0, limit=_MOST_NODES)
        nodes: tuple[NodeTrace, ...] = found.nodes if found else ()
        return TraceView(
            run=RunView.of(shown),
            nodes=[
                NodeView.of(node) for node in nodes if node.frame_path or node.node_id == node_id
            ],
            has_more=found.more if found else False,
            last=found.last_seq if found else 0,
        )


def native_node_router(door: NodeDoor) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["apps"], route_class=StrictJsonRoute)
    workspace = Depends(door.caller.of("adm", "ws"))

    @router.post(
        "/apps/{app_id}/nodes/{node_id}/test",
        status_code=202,
        responses={200: {"model": TraceView}},
    )
    async def test(
        app_id: UUID,
        node_id: Annotated[str, Path(max_length=255)],
        body: NodeTestBody,
        who: Annotated[Principal, workspace],
        response: Response,
        wait: Annotated[float, Query(ge=0, allow_inf_nan=False)] = 0.0,
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> RunBegun | TraceView:
        """Run one node alone. With `wait` 200 and its trace, also of a failure, if it ends within
        that many seconds; else 202 and where to look."""
        run = await door.attempt(
            NodeTest(
                tenant_id=who.tenant_id,
                app_id=app_id,
                node_id=node_id,
                variables=body.variables,
                session_id=body.user,
                version_id=body.version_id,
                idempotency_key=idempotency_key,
            )
        )
        path = f"/api/runs/{run.run_id}"
        response.headers["Location"] = path
        if await door.ended(run, wait):
            response.status_code = 200
            return await door.trace(run, node_id)
        return RunBegun(
            run_id=run.run_id,
            status=await door.wait.handed_over(run),
            run=path,
            events=f"{path}/events",
            trace=f"{path}/trace",
            conversation_id=None,
        )

    _ = test
    return router
