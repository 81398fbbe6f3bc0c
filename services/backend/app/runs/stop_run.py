"""Stop a run, also one that the engine does not know yet."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.errors import NotFound, Unavailable, UpstreamTimeout
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.domain.identity.end_users import end_user_id

_REASON = "Stopped by user."


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRun:
    runs: RunRepository
    engine: EngineRuns

    async def __call__(
        self, tenant_id: UUID, app_id: UUID | None, run_id: UUID, session_id: str | None
    ) -> None:
        """Durable when it returns; a run that has ended stays as it is.

        `app_id` None: of any of the tenant's apps; `session_id` None: by the app's owner. Raises
        NotFound for another app's or end user's run.
        """
        run = await self.runs.find(tenant_id, run_id)
        if run is None or app_id not in {run.app_id, None}:
            raise NotFound("Task not found")
        if session_id is not None and run.end_user_id != end_user_id(run.app_id, session_id):
            raise NotFound("Task not found")
        if run.ending is not None:
            return
        await self.runs.request_stop(tenant_id, run_id, _REASON)
        try:
            await self.engine.abort(tenant_id, run_id, _REASON)
        except (NotFound, Unavailable, UpstreamTimeout):
            return  # the relay tells the engine later
        await self.runs.mark_stop_delivered(tenant_id, run_id)
