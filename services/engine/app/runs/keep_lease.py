"""Holding the worker's lease, and knowing when it no longer may be relied on."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import HeddleError
from services.engine.app.ports.worker_leases import WorkerLeases

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePace:
    """Seconds. A worker that could not renew stops its runs `margin` before the lease ends."""

    lease: float = 10.0
    beat: float = 3.0
    margin: float = 2.0


class LeaseKeeper:
    """One worker's lease, renewed by `run`."""

    def __init__(
        self,
        leases: WorkerLeases,
        worker: UUID,
        *,
        clock: Clock,
        pace: LeasePace,
    ) -> None:
        self._leases = leases
        self._worker = worker
        self._clock = clock
        self._pace = pace
        self._on_lapse: Callable[[], None] = _nobody_watches
        self._on_return: Callable[[], None] = _nobody_watches
        self._safe_until = float("-inf")
        self._lapsed = False
        self._alarm: asyncio.TimerHandle | None = None

    def watch(self, *, on_lapse: Callable[[], None], on_return: Callable[[], None]) -> None:
        """Be told when the margin is reached, and when a later beat succeeds."""
        self._on_lapse = on_lapse
        self._on_return = on_return

    def is_safe(self) -> bool:
        """Whether this worker may act as the owner of its runs, by its own monotonic clock."""
        return self._clock.monotonic() < self._safe_until

    def remaining(self) -> float:
        """Seconds for which `is_safe` will hold without a further beat, 0 when it does not."""
        return max(self._safe_until - self._clock.monotonic(), 0.0)

    async def beat(self) -> None:
        """Renew once. Raises Unavailable."""
        # Counted from before the question: the store cannot have granted less than this.
        asked = self._clock.monotonic()
        await self._leases.beat(self._worker, seconds=self._pace.lease)
        self._safe_until = asked + self._pace.lease - self._pace.margin
        self._arm()
        if self._lapsed:
            self._lapsed = False
            self._on_return()

    async def run(self) -> None:
        """Renew until cancelled. The store being away only lets the lease lapse."""
        while True:
            try:
                async with asyncio.timeout(self._pace.beat):
                    await self.beat()
            except (HeddleError, TimeoutError) as error:
                _log.warning("the lease was not renewed: %s", error)
                await self._clock.sleep(self._pace.beat / 10)
            else:
                await self._clock.sleep(self._pace.beat)

    async def step_down(self) -> None:
        """End the lease; best effort, it also ends by itself."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._safe_until = float("-inf")
        try:
            await self._leases.step_down(self._worker)
        except HeddleError as error:
            _log.warning("the lease is left to run out: %s", error)

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        delay = max(self._safe_until - self._clock.monotonic(), 0.0)
        self._alarm = asyncio.get_running_loop().call_later(delay, self.check)

    def check(self) -> None:
        """Tell of a lapse; called by the alarm at the instant when it would be one."""
        if self.is_safe():
            self._arm()
        elif not self._lapsed:
            self._lapsed = True
            self._on_lapse()


def _nobody_watches() -> None: ...
