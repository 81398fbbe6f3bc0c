"""Giving a run that was set aside another chance."""

from libs.common.contracts.run_commands import CommandAccepted, ResumeRun
from libs.common.messaging.bus import MessageBus
from services.engine.app.ports.command_store import CommandStore
from services.engine.app.runs.ring_doorbell import ring_doorbell


class ResumeRunUseCase:
    def __init__(self, commands: CommandStore, bus: MessageBus) -> None:
        self._commands = commands
        self._bus = bus

    async def execute(self, command: ResumeRun) -> CommandAccepted:
        """Queued when it returns, with the takeovers counted anew; its evidence stays in its row.
        Not accepted where the run is not set aside. Idempotent by `command_id`. Raises RunUnknown,
        Unavailable."""
        applied, status, epoch = await self._commands.resume(command)
        if status == "queued":
            await ring_doorbell(self._bus, command.tenant_id, command.run_id, epoch)
        return CommandAccepted(accepted=applied, run_status=status)
