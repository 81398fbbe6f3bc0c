"""What a run looks like now, and what happened in it."""

from collections.abc import Mapping, Sequence

from libs.common.contracts.run_commands import SET_ASIDE_STATUSES, TERMINAL_STATUSES
from libs.common.contracts.run_events import (
    CommittedEvent,
    NodeFinished,
    NodeRetrying,
    NodeStarted,
)
from libs.common.contracts.run_queries import (
    NodeTrace,
    RunEventsPage,
    RunEventsQuery,
    RunQuery,
    RunsQuery,
    RunSummaries,
    RunTrace,
    RunView,
)
from services.engine.app.errors import WorkflowUnknown
from services.engine.app.ports.environment_secrets import EnvironmentSecrets
from services.engine.app.ports.journal_store import Entry, JournalReader
from services.engine.app.ports.run_store import RunRecord, RunStore
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.app.runs.public_page import PublicPage
from services.engine.app.runs.run_secrets import mask_of
from services.engine.app.runs.view_checkpoints import Checkpoint, ViewCheckpoints
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.domain.events.journal import RunStarted
from services.engine.domain.execution.public_events import PUBLIC_EVENTS, PublicView

_ROWS_AT_ONCE = 8
_MOST_EVENTS = 5000


class ReadRun:
    """Three views of a run, all from the store; any replica can answer. Each raises RunUnknown."""

    def __init__(
        self,
        runs: RunStore,
        journal: JournalReader,
        snapshots: SnapshotStore,
        workflows: CompiledWorkflows,
        secrets: EnvironmentSecrets,
    ) -> None:
        self._runs = runs
        self._journal = journal
        self._snapshots = snapshots
        self._workflows = workflows
        self._secrets = secrets
        self._checkpoints = ViewCheckpoints()

    async def view(self, query: RunQuery) -> RunView:
        record = await self._runs.find(query.tenant_id, query.run_id)
        return _view(record, last_public_seq=await self._last_public(record))

    async def events(self, query: RunEventsQuery) -> RunEventsPage:
        record = await self._runs.find(query.tenant_id, query.run_id)
        wanted = min(max(query.limit, 1), _MOST_EVENTS)
        page = await self._page(record, query.after_seq, wanted)
        await page.read_on(self._journal, self._checkpoints, query.tenant_id, query.run_id)
        if record.status not in TERMINAL_STATUSES:
            # Read after the events: a terminal status then means that they are complete.
            record = await self._runs.find(query.tenant_id, query.run_id)
            if record.status in TERMINAL_STATUSES:
                await page.read_on(self._journal, self._checkpoints, query.tenant_id, query.run_id)
        return RunEventsPage(events=tuple(page.events), more=page.more, status=record.status)

    async def trace(self, query: RunQuery) -> RunTrace:
        record = await self._runs.find(query.tenant_id, query.run_id)
        events = await self._public(record)
        last = events[-1].seq if events else 0
        return RunTrace(run=_view(record, last_public_seq=last), nodes=_nodes(events))

    async def summaries(self, query: RunsQuery) -> RunSummaries:
        """A page of the tenant's runs, without what happened in them."""
        one_more = query.model_copy(update={"limit": query.limit + 1})
        found = await self._runs.summaries(one_more)
        if query.run_ids:
            return RunSummaries(runs=tuple(found))
        return RunSummaries(runs=tuple(found[: query.limit]), more=len(found) > query.limit)

    async def _public(self, record: RunRecord) -> list[CommittedEvent]:
        entries = await self._journal.read(record.tenant_id, record.run_id)
        view = await self._view_of(record, _secrets(entries))
        made = (view.map(entry.seq, entry.event) for entry in entries)
        return [event for event in made if event is not None]

    async def _page(self, record: RunRecord, after_seq: int, most: int) -> PublicPage:
        kept = self._checkpoints.before(record.tenant_id, record.run_id, after_seq)
        if kept is None:
            kept = await self._snapshot_below(record, after_seq)
        place = 0 if kept is None else kept.place
        if kept is None:
            first = await self._journal.after(record.tenant_id, record.run_id, place=0, rows=1)
            secrets = _secrets(first)
        else:
            secrets = kept.secrets
        view = await self._view_of(record, secrets)
        if kept is not None:
            view.restore(kept.view)
        return PublicPage(view, place=place, secrets=secrets, after_seq=after_seq, most=most)

    async def _snapshot_below(self, record: RunRecord, after_seq: int) -> Checkpoint | None:
        if after_seq == 0 or record.status in TERMINAL_STATUSES:
            return None
        found = await self._snapshots.newest(record.tenant_id, record.run_id, at_most=after_seq)
        if found is None or found.machine.state.started is None:
            return None
        secrets = found.machine.state.started.secrets
        return Checkpoint(place=found.seq, secrets=secrets, view=found.view)

    async def _view_of(self, record: RunRecord, secrets: Mapping[str, int]) -> PublicView:
        mask = await mask_of(self._secrets, record.tenant_id, record.app_id, secrets)
        try:
            workflow = await self._workflows.get(record.tenant_id, record.workflow_hash)
        except WorkflowUnknown:
            return PublicView(record.run_id, {}, mask)
        return PublicView(record.run_id, workflow.labels, mask)

    async def _last_public(self, record: RunRecord) -> int:
        # From the end backwards: readers that hear nothing ask this of long runs every 5 s.
        before: int | None = None
        while True:
            entries = await self._journal.newest(
                record.tenant_id, record.run_id, before=before, rows=_ROWS_AT_ONCE
            )
            if not entries:
                return 0
            for entry in reversed(entries):
                if isinstance(entry.event, PUBLIC_EVENTS):
                    return entry.seq
            before = entries[0].seq


def _secrets(entries: Sequence[Entry]) -> Mapping[str, int]:
    first = entries[0].event if entries else None
    return first.secrets if isinstance(first, RunStarted) else {}


def _view(record: RunRecord, *, last_public_seq: int) -> RunView:
    outcome = record.outcome
    evidence = record.evidence if record.status in SET_ASIDE_STATUSES else None
    return RunView(
        run_id=record.run_id,
        app_id=record.app_id,
        status=record.status,
        outputs=outcome.outputs if outcome else {},
        error=outcome.error if outcome else evidence,
        total_tokens=outcome.total_tokens if outcome else 0,
        total_steps=outcome.total_steps if outcome else 0,
        exceptions_count=outcome.exceptions_count if outcome else 0,
        created_at=record.accepted_at,
        started_at=outcome.created_at if outcome else record.claimed_at,
        finished_at=outcome.finished_at if outcome else None,
        last_public_seq=last_public_seq,
        epoch=record.epoch,
    )


def _nodes(events: list[CommittedEvent]) -> tuple[NodeTrace, ...]:
    found: dict[tuple[str, str], NodeTrace] = {}
    retries: dict[tuple[str, str], int] = {}
    for event in events:
        if isinstance(event, NodeStarted | NodeFinished | NodeRetrying):
            place = (event.node_id, event.frame_path)
            if isinstance(event, NodeRetrying):
                retries[place] = event.retry_index
            found[place] = _node(event, found.get(place), retries.get(place, 0))
    return tuple(found.values())


def _node(
    event: NodeStarted | NodeFinished | NodeRetrying, known: NodeTrace | None, retries: int
) -> NodeTrace:
    if isinstance(event, NodeFinished):
        tokens = event.metadata.get("total_tokens", 0)
        return NodeTrace(
            execution_id=event.execution_id,
            node_id=event.node_id,
            node_type=event.node_type,
            title=event.title,
            index=event.index,
            frame_path=event.frame_path,
            status=event.status,
            started_at=event.started_at,
            elapsed_seconds=event.elapsed_seconds,
            retries=retries,
            total_tokens=int(tokens) if isinstance(tokens, int | float) else 0,
            inputs=event.inputs,
            process_data=event.process_data,
            outputs=event.outputs,
            error=event.error,
            error_type=event.error_type,
            metadata=event.metadata,
        )
    started_at = event.at if isinstance(event, NodeStarted) else event.started_at
    return NodeTrace(
        execution_id=event.execution_id,
        node_id=event.node_id,
        node_type=event.node_type,
        title=event.title,
        index=event.index,
        frame_path=event.frame_path,
        status="running",
        started_at=known.started_at if known else started_at,
        retries=retries,
    )
