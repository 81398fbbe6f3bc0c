"""The sweep for instants that parked runs waited for, and for forms whose time is up."""

from services.engine.app.ports.parking_store import ParkingStore
from services.engine.app.runs.wake_run import RunWaker

_AT_ONCE = 64
_MOST_ROUNDS = 16


class TimerSweep:
    def __init__(self, parking: ParkingStore, waker: RunWaker) -> None:
        self._parking = parking
        self._waker = waker

    async def sweep(self) -> None:
        """Bounded: what is left is for the next one, or for another worker. Raises Unavailable."""
        for _ in range(_MOST_ROUNDS):
            woken = await self._parking.fire_due(_AT_ONCE)
            for run in woken:
                await self._waker.wake(run.tenant_id, run.run_id, run.status, run.epoch)
            if len(woken) < _AT_ONCE:
                return
