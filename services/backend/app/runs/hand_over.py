"""Give an accepted run to the engine, together with a stop that came meanwhile."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.run_commands import AcceptRun, RunAccepted
from libs.common.errors import CallerError, NotFound, RateLimited
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.app.runs.record_end import RecordEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    runs: RunRepository
    engine: EngineRuns
    record_end: RecordEnd
    clock: Clock

    async def accepted(self, acceptance: AcceptRun, version_id: UUID) -> RunAccepted:
        """Raises Unavailable and UpstreamTimeout (then it may be repeated), and CallerError when
        the engine refuses the run for good; that is on record then."""
        try:
            return await self.engine.accept(acceptance, version_id)
        except RateLimited:
            raise
        except CallerError as error:
            await self.record_end.of_refusal(
                acceptance.tenant_id, acceptance.run_id, error.message, self.clock.now()
            )
            raise

    async def waiting(self, tenant_id: UUID, run_id: UUID) -> None:
        """Repeat whatever of this run may not have reached the engine."""
        run = await self.runs.find(tenant_id, run_id)
        if run is None or run.ending is not None:
            return
        if not run.handed_over:
            await self.accepted(run.acceptance, run.version_id)
            await self.runs.mark_handed_over(tenant_id, run_id)
        if run.stop_reason is not None:
            try:
                await self.engine.abort(tenant_id, run_id, run.stop_reason)
            except NotFound:
                return
            await self.runs.mark_stop_delivered(tenant_id, run_id)
