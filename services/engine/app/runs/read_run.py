"""What a run looks like now, and what happened in it."""

from collections.abc import Mapping, Sequence

from libs.common.contracts.run_commands import (
    SET_ASIDE_STATUSES,
    TERMINAL_STATUSES,
    RunStatus,
)
from libs.common.contracts.run_queries import (
    RunEventsPage,
    RunEventsQuery,
    RunQuery,
    RunsQuery,
    RunSummaries,
    RunTrace,
    RunView,
    TraceQuery,
)
from services.engine.app.errors import WorkflowUnknown
from services.engine.app.ports.environment_secrets import EnvironmentSecrets
from services.engine.app.ports.journal_store import Entry, JournalReader
from services.engine.app.ports.run_store import RunRecord, RunStore
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.app.runs.kept_history import with_history
from services.engine.app.runs.public_page import PublicPage
from services.engine.app.runs.run_secrets import hidden_by, mask_of
from services.engine.app.runs.trace_page import TracePage
from services.engine.app.runs.view_checkpoints import Checkpoint, ViewCheckpoints, beginning
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.domain.events.journal import JournalEvent, RunParked, RunStarted
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.execution.public_kinds import PUBLIC_EVENTS

_ROWS_AT_ONCE = 8
_MOST_EVENTS = 5000
_MOST_NODES = 5000
_Told = tuple[int, type[JournalEvent]]
"""A public event's number, and what it is made of."""


class ReadRun:
    """Three views of a run, all from the store; any replica can answer. Each raises RunUnknown, and
    all but the first HistoryGone."""

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
        return _view(record, last=await self._last_public(record))

    async def events(self, query: RunEventsQuery) -> RunEventsPage:
        record = with_history(await self._runs.find(query.tenant_id, query.run_id))
        wanted = min(max(query.limit, 1), _MOST_EVENTS)
        kept = await self._kept(record, query.after_seq)
        view = await self._view_at(record, kept)
        page = PublicPage(
            view, place=kept.place, secrets=kept.secrets, after_seq=query.after_seq, most=wanted
        )
        await page.read_on(self._journal, self._checkpoints, query.tenant_id, query.run_id)
        if record.status not in TERMINAL_STATUSES:
            # Read after the events: a terminal status then means that they are complete.
            record = await self._runs.find(query.tenant_id, query.run_id)
            if record.status in TERMINAL_STATUSES:
                await page.read_on(self._journal, self._checkpoints, query.tenant_id, query.run_id)
        return RunEventsPage(events=tuple(page.events), more=page.more, status=record.status)

    async def trace(self, query: TraceQuery) -> RunTrace:
        record = with_history(await self._runs.find(query.tenant_id, query.run_id))
        wanted = min(max(query.limit, 1), _MOST_NODES)
        kept = await self._kept(record, query.after_seq)
        view = await self._view_at(record, kept)
        page = TracePage(
            view, place=kept.place, secrets=kept.secrets, after_seq=query.after_seq, most=wanted
        )
        await page.read_on(self._journal, self._checkpoints, query.tenant_id, query.run_id)
        return RunTrace(
            run=_view(record, last=await self._last_public(record)),
            nodes=page.nodes,
            more=page.more,
            last_seq=page.last_seq,
        )

    async def summaries(self, query: RunsQuery) -> RunSummaries:
        """A page of the tenant's runs, without what happened in them."""
        one_more = query.model_copy(update={"limit": query.limit + 1})
        found = await self._runs.summaries(one_more)
        if query.run_ids:
            return RunSummaries(runs=tuple(found))
        return RunSummaries(runs=tuple(found[: query.limit]), more=len(found) > query.limit)

    async def _kept(self, record: RunRecord, after_seq: int) -> Checkpoint:
        """The newest place at or below `after_seq` that reading can begin at."""
        kept = self._checkpoints.before(record.tenant_id, record.run_id, after_seq)
        kept = kept or await self._snapshot_below(record, after_seq)
        if kept is not None:
            return kept
        first = await self._journal.after(record.tenant_id, record.run_id, place=0, rows=1)
        return beginning(_secrets(first))

    async def _view_at(self, record: RunRecord, kept: Checkpoint) -> PublicView:
        view = await self._view_of(record, kept.secrets)
        view.restore(kept.view)
        return view

    async def _snapshot_below(self, record: RunRecord, after_seq: int) -> Checkpoint | None:
        if after_seq == 0 or record.status in TERMINAL_STATUSES:
            return None
        found = await self._snapshots.newest(record.tenant_id, record.run_id, at_most=after_seq)
        if found is None or found.machine.state.started is None:
            return None
        secrets = hidden_by(found.machine.state.started)
        return Checkpoint(place=found.seq, secrets=secrets, view=found.view)

    async def _view_of(self, record: RunRecord, secrets: Mapping[str, int]) -> PublicView:
        mask = await mask_of(self._secrets, record.tenant_id, record.app_id, secrets)
        try:
            workflow = await self._workflows.get(record.tenant_id, record.workflow_hash)
        except WorkflowUnknown:
            return PublicView(record.run_id, {}, mask)
        return PublicView(record.run_id, workflow.labels, mask)

    async def _last_public(self, record: RunRecord) -> _Told | None:
        # From the end backwards: readers that hear nothing ask this of long runs every 5 s.
        before: int | None = None
        while True:
            kinds = await self._journal.newest(
                record.tenant_id, record.run_id, before=before, rows=_ROWS_AT_ONCE
            )
            if not kinds:
                return None
            for seq, kind in reversed(kinds):
                if issubclass(kind, PUBLIC_EVENTS):
                    return seq, kind
            before = kinds[0][0]


def _secrets(entries: Sequence[Entry]) -> Mapping[str, int]:
    first = entries[0].event if entries else None
    return hidden_by(first) if isinstance(first, RunStarted) else {}


def _view(record: RunRecord, *, last: _Told | None) -> RunView:
    outcome = record.outcome
    evidence = record.evidence if record.status in SET_ASIDE_STATUSES else None
    return RunView(
        run_id=record.run_id,
        app_id=record.app_id,
        status=_status(record, last),
        outputs=outcome.outputs if outcome else {},
        error=outcome.error if outcome else evidence,
        total_tokens=outcome.total_tokens if outcome else 0,
        total_steps=outcome.total_steps if outcome else 0,
        exceptions_count=outcome.exceptions_count if outcome else 0,
        created_at=record.accepted_at,
        started_at=outcome.created_at if outcome else record.claimed_at,
        finished_at=outcome.finished_at if outcome else None,
        last_public_seq=last[0] if last else 0,
        epoch=record.epoch,
        waits_for=record.waits_for,
    )


def _status(record: RunRecord, last: _Told | None) -> RunStatus:
    """A run that has said that it paused is parked, also in the moment until its row says so."""
    if record.status == "running" and last is not None and last[1] is RunParked:
        return "parked"
    return record.status
