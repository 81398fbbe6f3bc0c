"""The background relay for runs whose acceptance or stop did not reach the engine."""

import logging
from dataclasses import dataclass

from libs.common.clock import Clock
from libs.common.errors import CallerError, HeddleError
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.runs.hand_over import HandOver

_log = logging.getLogger(__name__)
SWEEP_SECONDS = 5.0
_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRuns:
    """`grace_seconds`: younger runs are still in the hands of the request that began them."""

    runs: RunRepository
    hand_over: HandOver
    clock: Clock
    grace_seconds: float = 5.0

    async def run(self) -> None:
        """Relay until cancelled; a part that is away only delays it."""
        while True:
            try:
                await self.once()
            except HeddleError as error:
                _log.warning("runs wait for the engine: %s", error.message)
            await self.clock.sleep(SWEEP_SECONDS)

    async def once(self) -> int:
        """Relay what waits now; how many runs that were. Raises what kept the engine away."""
        waiting = await self.runs.waiting(older_than_seconds=self.grace_seconds, limit=_BATCH)
        for run in waiting:
            try:
                await self.hand_over.waiting(run.tenant_id, run.run_id)
            except CallerError as error:
                # One run that is refused must not hold up the others.
                _log.warning("run %s was refused: %s", run.run_id, error.message)
            except HeddleError:
                raise
            except Exception:  # noqa: BLE001 - nor one whose row nobody can read
                _log.exception("run %s cannot be handed over", run.run_id)
        return len(waiting)
