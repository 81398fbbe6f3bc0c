"""Runs as the native API shows them."""

from uuid import UUID

from pydantic import BaseModel, JsonValue

from libs.common.contracts.run_queries import NodeTrace, TurnBefore
from services.backend.app.runs.show_run import ShownRun
from services.backend.domain.runs.records import RunLine
from services.backend.interface.http.native.fork_views import OriginView


class TurnBeforeView(BaseModel):
    """The run of the same conversation that has to end first."""

    run_id: UUID
    status: str

    @classmethod
    def of(cls, turn: TurnBefore) -> "TurnBeforeView":
        return cls(run_id=turn.run_id, status=turn.status)


class RunView(BaseModel):
    """`status` queued, running, parked, succeeded, partial-succeeded, failed, stopped,
    quarantined or incompatible. `evidence`: why it was set aside. `origin` is the run that it began
    from, None for any but replays and forks; `parent_run_id` the one whose node called it.
    `waits_for`: it is queued behind that run. Times are Unix seconds."""

    run_id: UUID
    app_id: UUID
    version_id: UUID
    mode: str
    status: str
    inputs: dict[str, JsonValue]
    outputs: dict[str, JsonValue]
    answer: str
    error: str | None
    evidence: str | None
    conversation_id: UUID | None
    message_id: UUID | None
    user: str
    total_tokens: int
    total_steps: int
    exceptions_count: int
    created_at: float
    finished_at: float | None
    elapsed_seconds: float | None
    origin: OriginView | None
    parent_run_id: UUID | None
    waits_for: TurnBeforeView | None

    @classmethod
    def of(cls, shown: ShownRun) -> "RunView":
        run, ending = shown.run, shown.run.ending
        return cls(
            run_id=run.run_id,
            app_id=run.app_id,
            version_id=run.version_id,
            mode=run.mode,
            status=shown.status,
            inputs=run.acceptance.inputs,
            outputs=ending.outputs if ending else {},
            answer=ending.answer if ending else "",
            error=ending.error if ending else None,
            evidence=shown.evidence,
            conversation_id=run.conversation_id,
            message_id=run.message_id,
            user=run.session_id,
            total_tokens=ending.total_tokens if ending else 0,
            total_steps=ending.total_steps if ending else 0,
            exceptions_count=ending.exceptions_count if ending else 0,
            created_at=run.created_at.timestamp(),
            finished_at=ending.finished_at.timestamp() if ending else None,
            elapsed_seconds=ending.elapsed_seconds if ending else None,
            origin=OriginView.of(run.acceptance),
            parent_run_id=run.acceptance.parent.run_id if run.acceptance.parent else None,
            waits_for=TurnBeforeView.of(shown.waits_for) if shown.waits_for else None,
        )


class RunLineView(BaseModel):
    """`error` also says why a run was set aside; `parent_run_id` is the run whose node called it.
    Times are Unix seconds."""

    run_id: UUID
    app_id: UUID
    status: str
    created_at: float
    finished_at: float | None
    error: str | None
    parent_run_id: UUID | None

    @classmethod
    def of(cls, line: RunLine) -> "RunLineView":
        return cls(
            run_id=line.run_id,
            app_id=line.app_id,
            status=line.status,
            created_at=line.created_at,
            finished_at=line.finished_at,
            error=line.error,
            parent_run_id=line.parent_run_id,
        )


class RunList(BaseModel):
    """Newest first. `has_more`: ask again with `before` the last run's id."""

    runs: list[RunLineView]
    has_more: bool


class NodeView(BaseModel):
    """One execution of a node. `frame_path` lists the containers around it with their rounds.
    `taken_from` is the run that executed it, where this one took it over; `child_runs` are the runs
    that it called, one an attempt."""

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
    frame_path: str
    taken_from: UUID | None
    child_runs: list[UUID]

    @classmethod
    def of(cls, node: NodeTrace) -> "NodeView":
        return cls(
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
            frame_path=node.frame_path,
            taken_from=node.taken_from,
            child_runs=[*node.child_runs],
        )


class TraceView(BaseModel):
    """The nodes in the order in which they began. `has_more`: ask again with `after` this `last`;
    a page ends early where what its nodes hold is large."""

    run: RunView
    nodes: list[NodeView]
    has_more: bool = False
    last: int = 0


class RunCommanded(BaseModel):
    """`status` is the run's at that moment."""

    run_id: UUID
    status: str
