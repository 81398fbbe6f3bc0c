"""A run whose secrets are not here yet: it cannot be driven, but it can be stopped."""

import asyncio
from collections.abc import Awaitable, Sequence
from uuid import UUID

from libs.common.contracts.run_commands import AbortRun
from services.engine.app.ports.command_store import StoredCommand
from services.engine.app.runs.run_secrets import RunSecrets, without_secrets


class AwaitedSecrets:
    """Stands where the run's driver will be (`SteeredRun`)."""

    def __init__(self) -> None:
        self._told: asyncio.Future[AbortRun | None] = asyncio.get_running_loop().create_future()

    async def until(self, found: Awaitable[RunSecrets]) -> RunSecrets | None:
        """What the run is driven with: `found`, or what an abort that comes first is carried out
        with. None when the run was let go. Raises whatever `found` does."""
        finding = asyncio.ensure_future(found)
        try:
            await asyncio.wait((finding, self._told), return_when=asyncio.FIRST_COMPLETED)
            if not self._told.done():
                return finding.result()
            abort = self._told.result()
            return None if abort is None else without_secrets(abort)
        finally:
            finding.cancel()
            await asyncio.gather(finding, return_exceptions=True)

    def obey(self, command: StoredCommand) -> None:
        """Whatever is not an abort waits for the driver."""
        if isinstance(command, AbortRun):
            self._tell(command)

    def carried_out(self) -> Sequence[UUID]:
        """Nothing yet."""
        return ()

    async def hand_back(self) -> None:
        """Nothing was begun."""

    def let_go(self) -> None:
        """Stop waiting."""
        self._tell(None)

    def _tell(self, command: AbortRun | None) -> None:
        if not self._told.done():
            self._told.set_result(command)
