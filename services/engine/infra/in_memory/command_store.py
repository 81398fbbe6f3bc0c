"""Commands in memory."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.run_commands import (
    SET_ASIDE_STATUSES,
    TERMINAL_STATUSES,
    PauseRun,
    ResumeRun,
)
from services.engine.app.errors import RunUnknown
from services.engine.app.ports.command_store import (
    CommandedRun,
    SentCommand,
    StoredCommand,
    Told,
)
from services.engine.infra.in_memory.engine_state import EngineState, RunRow


class InMemoryCommandStore:
    """Implements CommandStore."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def add(self, command: SentCommand) -> Told:
        row = self._row(command.tenant_id, command.run_id)
        applied = row.status not in TERMINAL_STATUSES
        if applied:
            row.put_command(command)
        return Told(applied, row.status, row.epoch)

    async def resume(self, command: ResumeRun) -> Told:
        row = self._row(command.tenant_id, command.run_id)
        known = command.command_id in row.resumed_by or command.command_id in row.commands
        if not known and row.status in SET_ASIDE_STATUSES:
            row.resumed_by.add(command.command_id)
            row.status, row.takeovers = "queued", 0
        elif not known and row.status not in TERMINAL_STATUSES:
            last = [each for each in row.commands.values() if each.kind in {"pause", "resume"}]
            if last and isinstance(last[-1], PauseRun):
                row.put_command(command)
        applied = command.command_id in row.resumed_by or command.command_id in row.commands
        return Told(applied, row.status, row.epoch)

    async def undrained(self, tenant_id: UUID, run_id: UUID) -> list[StoredCommand]:
        row = self._state.runs.get((tenant_id, run_id))
        return row.undrained() if row else []

    async def drained(self, tenant_id: UUID, run_id: UUID, commands: Sequence[UUID]) -> None:
        self._row(tenant_id, run_id).drained.update(commands)

    async def commanded_runs(self, worker: UUID) -> list[CommandedRun]:
        return [
            CommandedRun(*row.key)
            for row in self._state.live
            if row.owner == worker and row.status == "running" and row.undrained()
        ]

    def _row(self, tenant_id: UUID, run_id: UUID) -> RunRow:
        row = self._state.runs.get((tenant_id, run_id))
        if row is None:
            raise RunUnknown(f"No run {run_id}.")
        return row
