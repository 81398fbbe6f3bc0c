"""Let a paused run go on, and give one that was set aside another chance."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from libs.common.errors import Conflict, NotFound
from libs.common.identifiers import uuid7
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_runs import EngineRuns


class RunNotSetAside(Conflict):
    """Only a paused, quarantined or incompatible run can be resumed. `extra` holds its status."""

    code = "run_not_set_aside"
    title = "The run was neither paused nor set aside"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRun:
    runs: RunRepository
    engine: EngineRuns

    async def __call__(self, tenant_id: UUID, run_id: UUID, occasion: str | None) -> str:
        """The run's status then. The same `occasion` resumes once, None each time.

        Raises NotFound, RunNotSetAside, Unavailable.
        """
        if await self.runs.find(tenant_id, run_id) is None:
            raise NotFound("There is no such run.")
        command = uuid7() if occasion is None else uuid5(run_id, f"resume/{occasion}")
        told = await self.engine.resume(tenant_id, run_id, command)
        if not told.accepted:
            raise RunNotSetAside(
                f"The run is {told.run_status}; there is nothing to resume.",
                extra={"run_id": str(run_id), "run_status": told.run_status},
            )
        return told.run_status
