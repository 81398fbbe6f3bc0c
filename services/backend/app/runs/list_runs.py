"""The tenant's runs, newest first, a page at a time."""

from dataclasses import dataclass, replace
from uuid import UUID

from libs.common.contracts.run_commands import TERMINAL_STATUSES, RunStatus
from libs.common.errors import Unavailable, UpstreamTimeout
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.domain.runs.records import RunLine


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """`more`: ask again before the last run."""

    runs: tuple[RunLine, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRuns:
    runs: RunRepository
    engine: EngineRuns

    async def __call__(
        self,
        tenant_id: UUID,
        *,
        status: RunStatus | None,
        app_id: UUID | None,
        parent: UUID | None = None,
        before: UUID | None,
        limit: int,
    ) -> RunPage:
        """With a `parent` those that it called, whatever their status.

        Runs that have not ended have the status that the engine tells; while it is away a list of
        all statuses shows them as they were last known, and a list of one of theirs raises
        Unavailable."""
        if parent is None and status is not None and status not in TERMINAL_STATUSES:
            return await self._live(tenant_id, status, app_id, before, limit)
        found = await self.runs.lines(
            tenant_id,
            status=None if parent else status,
            app_id=app_id,
            parent=parent,
            before=before,
            limit=limit + 1,
        )
        shown = await self._as_now(tenant_id, found[:limit])
        return RunPage(runs=shown, more=len(found) > limit)

    async def _live(
        self,
        tenant_id: UUID,
        status: RunStatus,
        app_id: UUID | None,
        before: UUID | None,
        limit: int,
    ) -> RunPage:
        page = await self.engine.of_status(
            tenant_id, status, app_id=app_id, before=before, limit=limit
        )
        lines = tuple(
            RunLine(
                run_id=run.run_id,
                app_id=run.app_id,
                status=run.status,
                created_at=run.created_at,
                error=run.evidence,
                parent_run_id=run.parent_run_id,
            )
            for run in page.runs
        )
        return RunPage(runs=lines, more=page.more)

    async def _as_now(self, tenant_id: UUID, lines: list[RunLine]) -> tuple[RunLine, ...]:
        open_ids = [line.run_id for line in lines if line.finished_at is None]
        if not open_ids:
            return tuple(lines)
        try:
            told = await self.engine.summaries(tenant_id, open_ids)
        except (Unavailable, UpstreamTimeout):
            return tuple(lines)
        now = {run.run_id: run for run in told}
        return tuple(
            replace(line, status=now[line.run_id].status, error=now[line.run_id].evidence)
            if line.run_id in now
            else line
            for line in lines
        )
