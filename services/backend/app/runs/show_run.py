"""A run as it stands now, and what its nodes did."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.run_commands import (
    SET_ASIDE_STATUSES,
    TERMINAL_STATUSES,
    RunStatus,
)
from libs.common.contracts.run_queries import RunTrace, TurnBefore
from libs.common.errors import NotFound, Unavailable, UpstreamTimeout
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.app.runs.record_end import RecordEnd
from services.backend.domain.runs.records import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """`status` is the newest known; `run.ending` is set once it is terminal. `evidence`: why it was
    set aside. `waits_for`: the earlier run of its conversation whose turn it is."""

    run: RunRecord
    status: RunStatus
    evidence: str | None = None
    waits_for: TurnBefore | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRun:
    runs: RunRepository
    engine: EngineRuns
    record_end: RecordEnd

    async def __call__(self, tenant_id: UUID, run_id: UUID, app_id: UUID | None = None) -> ShownRun:
        """`app_id` None: any of the tenant's apps. Raises NotFound."""
        run = await self._found(tenant_id, run_id, app_id)
        if run.ending is not None:
            return ShownRun(run=run, status=run.status)
        try:
            view = await self.engine.view(tenant_id, run_id)
        except (NotFound, Unavailable, UpstreamTimeout):
            return ShownRun(run=run, status=run.status)
        if view.status in TERMINAL_STATUSES and await self.record_end.if_ended(tenant_id, run_id):
            run = await self._found(tenant_id, run_id, app_id)
        evidence = view.error if view.status in SET_ASIDE_STATUSES else None
        return ShownRun(run=run, status=view.status, evidence=evidence, waits_for=view.waits_for)

    async def trace(
        self, tenant_id: UUID, run_id: UUID, *, after_seq: int, limit: int
    ) -> RunTrace | None:
        """What the nodes did that began above `after_seq`; None while the engine does not know the
        run. Raises NotFound."""
        await self._found(tenant_id, run_id, None)
        try:
            return await self.engine.trace(tenant_id, run_id, after_seq=after_seq, limit=limit)
        except NotFound:
            return None

    async def _found(self, tenant_id: UUID, run_id: UUID, app_id: UUID | None) -> RunRecord:
        run = await self.runs.find(tenant_id, run_id)
        if run is None or (app_id is not None and run.app_id != app_id):
            raise NotFound("Workflow run not found")
        return run
