"""Sending commands to runs."""

from libs.common.contracts.run_commands import CommandAccepted, ResumeRun, UpdateVariables
from libs.common.errors import InvalidInput
from services.engine.app.ports.command_store import CommandStore, SentCommand, Told
from services.engine.app.runs.wake_run import RunWaker
from services.engine.domain.variables.selectors import ENVIRONMENT, SYSTEM

_PINNED = frozenset({ENVIRONMENT, SYSTEM})


class CommandRun:
    """The command is stored first; telling the run's owner is only a wake-up. Each is idempotent by
    `command_id` and raises RunUnknown and Unavailable."""

    def __init__(self, commands: CommandStore, waker: RunWaker) -> None:
        self._commands = commands
        self._waker = waker

    async def send(self, command: SentCommand) -> CommandAccepted:
        """Not accepted where the run has ended. Raises InvalidInput for variables that a run keeps
        as they were at its start."""
        if isinstance(command, UpdateVariables):
            _check(command)
        return await self._told(command, await self._commands.add(command))

    async def resume(self, command: ResumeRun) -> CommandAccepted:
        """Not accepted where the run is neither paused nor set aside. One that was set aside is
        queued, the takeovers counted anew; its evidence stays in its row."""
        return await self._told(command, await self._commands.resume(command))

    async def _told(self, command: SentCommand | ResumeRun, told: Told) -> CommandAccepted:
        if told.applied:
            await self._waker.wake(command.tenant_id, command.run_id, told.status, told.epoch)
        return CommandAccepted(accepted=told.applied, run_status=told.status)


def _check(command: UpdateVariables) -> None:
    for update in command.updates:
        if update.selector[0] in _PINNED:
            raise InvalidInput(
                f"`{'.'.join(update.selector)}` is what it was when the run started."
            )
