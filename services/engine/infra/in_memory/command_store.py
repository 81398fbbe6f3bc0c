"""Commands in memory."""

from uuid import UUID

from libs.common.contracts.run_commands import (
    SET_ASIDE_STATUSES,
    TERMINAL_STATUSES,
    AbortRun,
    ResumeRun,
    RunStatus,
)
from services.engine.app.errors import RunUnknown
from services.engine.app.ports.command_store import CommandedRun, Resumption, StoredCommand
from services.engine.infra.in_memory.engine_state import EngineState


class InMemoryCommandStore:
    """Implements CommandStore."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def add_abort(self, command: AbortRun) -> RunStatus:
        row = self._state.runs.get((command.tenant_id, command.run_id))
        if row is None:
            raise RunUnknown(f"No run {command.run_id}.")
        if row.status not in TERMINAL_STATUSES:
            row.commands.setdefault(command.command_id, command)
        return row.status

    async def resume(self, command: ResumeRun) -> Resumption:
        row = self._state.runs.get((command.tenant_id, command.run_id))
        if row is None:
            raise RunUnknown(f"No run {command.run_id}.")
        if row.status in SET_ASIDE_STATUSES and command.command_id not in row.resumed_by:
            row.resumed_by.add(command.command_id)
            row.status, row.takeovers = "queued", 0
        return Resumption(command.command_id in row.resumed_by, row.status, row.epoch)

    async def undrained(self, tenant_id: UUID, run_id: UUID) -> list[StoredCommand]:
        row = self._state.runs.get((tenant_id, run_id))
        return [
            StoredCommand(command_id=each.command_id, kind="abort", reason=each.reason)
            for each in (row.commands.values() if row else ())
        ]

    async def commanded_runs(self, worker: UUID) -> list[CommandedRun]:
        return [
            CommandedRun(*key)
            for key, row in self._state.runs.items()
            if row.owner == worker and row.status == "running" and row.commands
        ]
