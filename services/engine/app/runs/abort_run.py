"""Stopping a run on request."""

import logging

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import (
    TERMINAL_STATUSES,
    AbortRun,
    CommandAccepted,
    Doorbell,
)
from libs.common.contracts.subjects import run_wake
from libs.common.errors import HeddleError
from libs.common.messaging.bus import MessageBus
from services.engine.app.ports.command_store import CommandStore

_log = logging.getLogger(__name__)


class AbortRunUseCase:
    def __init__(self, commands: CommandStore, bus: MessageBus) -> None:
        self._commands = commands
        self._bus = bus

    async def execute(self, command: AbortRun) -> CommandAccepted:
        """The command is stored first; telling the owner is only a wake-up. Idempotent by
        `command_id`. Raises RunUnknown, Unavailable."""
        status = await self._commands.add_abort(command)
        if status in TERMINAL_STATUSES:
            return CommandAccepted(accepted=False, run_status=status)
        wake = Doorbell(tenant_id=command.tenant_id, run_id=command.run_id)
        try:
            await self._bus.broadcast(
                run_wake(command.run_id), wake, envelope=Envelope(tenant_id=command.tenant_id)
            )
        except HeddleError as error:
            _log.info("run %s will find its command by sweep: %s", command.run_id, error)
        return CommandAccepted(accepted=True, run_status=status)
