"""Pause a run, and change its variables."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from libs.common.contracts.run_commands import (
    CommandAccepted,
    PauseRun,
    UpdateVariables,
    VariableUpdate,
)
from libs.common.errors import Conflict, NotFound
from libs.common.identifiers import uuid7
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.engine_runs import EngineRuns


class RunOver(Conflict):
    """The run has ended: nothing can be told to it. `extra` holds its status."""

    code = "run_over"
    title = "The run has ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """Each answers the run's status then. The same `occasion` commands once, None each time. Each
    raises NotFound, RunOver and Unavailable."""

    runs: RunRepository
    engine: EngineRuns

    async def pause(
        self, tenant_id: UUID, run_id: UUID, reason: str, *, occasion: str | None
    ) -> str:
        """Begin nothing new; what is under way ends and is recorded, then the run is parked."""
        command = await self._command(tenant_id, run_id, f"pause/{occasion}", occasion)
        return _status(
            run_id,
            await self.engine.pause(
                PauseRun(tenant_id=tenant_id, run_id=run_id, command_id=command, reason=reason)
            ),
        )

    async def update_variables(
        self,
        tenant_id: UUID,
        run_id: UUID,
        updates: tuple[VariableUpdate, ...],
        *,
        occasion: str | None,
    ) -> str:
        """For all that is begun from then on. Raises InvalidInput for what a run keeps as it was
        at its start."""
        command = await self._command(tenant_id, run_id, f"variables/{occasion}", occasion)
        return _status(
            run_id,
            await self.engine.update_variables(
                UpdateVariables(
                    tenant_id=tenant_id, run_id=run_id, command_id=command, updates=updates
                )
            ),
        )

    async def _command(
        self, tenant_id: UUID, run_id: UUID, name: str, occasion: str | None
    ) -> UUID:
        if await self.runs.find(tenant_id, run_id) is None:
            raise NotFound("There is no such run.")
        return uuid7() if occasion is None else uuid5(run_id, name)


def _status(run_id: UUID, told: CommandAccepted) -> str:
    if not told.accepted:
        raise RunOver(
            f"The run is {told.run_status}.",
            extra={"run_id": str(run_id), "run_status": told.run_status},
        )
    return told.run_status
