"""Reading runs from their owner, the engine."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.contracts.run_commands import RunStatus
from libs.common.contracts.run_events import CommittedEvent


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunQuery(_Frozen):
    tenant_id: UUID
    run_id: UUID


class TurnBefore(_Frozen):
    """A run of the same conversation that has to end first."""

    run_id: UUID
    status: RunStatus


class RunView(_Frozen):
    """A run now. `last_public_seq` is the number of its newest public event, 0 for none.
    `waits_for`: a queued run waits for its turn."""

    run_id: UUID
    app_id: UUID
    status: RunStatus
    outputs: dict[str, JsonValue] = {}
    error: str | None = None
    total_tokens: int = 0
    total_steps: int = 0
    exceptions_count: int = 0
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    last_public_seq: int = 0
    epoch: int = 0
    waits_for: TurnBefore | None = None


class RunsQuery(_Frozen):
    """Runs of a tenant, newest first: those in `run_ids`, or where that is empty those that have
    `status` (of `app_id`, None of every app) and are older than `before`, at most `limit`."""

    tenant_id: UUID
    run_ids: tuple[UUID, ...] = ()
    status: RunStatus = "queued"
    app_id: UUID | None = None
    before: UUID | None = None
    limit: int = Field(default=50, ge=1, le=200)


class RunSummary(_Frozen):
    """`evidence`: why the run was set aside, None for any other. `created_at` is Unix seconds.
    `parent_run_id`: the run whose node called it."""

    run_id: UUID
    app_id: UUID
    status: RunStatus
    created_at: float
    evidence: str | None = None
    parent_run_id: UUID | None = None


class RunSummaries(_Frozen):
    """`more` True: ask again before the last run."""

    runs: tuple[RunSummary, ...]
    more: bool = False


class RunEventsQuery(_Frozen):
    """Public events with `seq` above `after_seq`, oldest first, at most `limit`."""

    tenant_id: UUID
    run_id: UUID
    after_seq: int = 0
    limit: int = 1000


class RunEventsPage(_Frozen):
    """`more` True: ask again from the last `seq`; a page ends early where its events are large.
    `status` is read after the events were."""

    events: tuple[Annotated[CommittedEvent, Field(discriminator="kind")], ...]
    more: bool
    status: RunStatus


class TraceQuery(RunQuery):
    """Node executions that began above `after_seq`, in that order, at most `limit`."""

    after_seq: int = 0
    limit: int = 1000


class NodeTrace(_Frozen):
    """One execution of a node. `status` running until it ended. Times are Unix seconds.
    `taken_from` is the run that executed it, where this one took it over; `child_runs` are the runs
    that it called, one an attempt."""

    execution_id: UUID
    node_id: str
    node_type: str
    title: str
    index: int
    frame_path: str = ""
    status: str
    started_at: float
    elapsed_seconds: float = 0.0
    retries: int = 0
    total_tokens: int = 0
    inputs: dict[str, JsonValue] = {}
    process_data: dict[str, JsonValue] = {}
    outputs: dict[str, JsonValue] = {}
    error: str | None = None
    error_type: str | None = None
    metadata: dict[str, JsonValue] = {}
    taken_from: UUID | None = None
    child_runs: tuple[UUID, ...] = ()


class RunTrace(_Frozen):
    """`more` True: ask again from `last_seq`. Fewer nodes than asked for come where what they hold
    is large."""

    run: RunView
    nodes: tuple[NodeTrace, ...]
    more: bool = False
    last_seq: int = 0
