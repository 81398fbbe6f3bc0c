"""Waking whoever has to look at a run's commands."""

from uuid import UUID

from libs.common.contracts.run_commands import RunStatus
from libs.common.messaging.bus import MessageBus
from services.engine.app.ports.command_channel import CommandChannel
from services.engine.app.runs.ring_doorbell import ring_doorbell


class RunWaker:
    """A hint that may get lost: the sweep looks for queued runs and for commands."""

    def __init__(self, channel: CommandChannel, bus: MessageBus) -> None:
        self._channel = channel
        self._bus = bus

    async def wake(self, tenant_id: UUID, run_id: UUID, status: RunStatus, epoch: int) -> None:
        """A command to the run, which has `status` since, is committed. Never raises."""
        if status == "queued":
            await ring_doorbell(self._bus, tenant_id, run_id, epoch)
        elif status == "running":
            await self._channel.ring(tenant_id, run_id)
