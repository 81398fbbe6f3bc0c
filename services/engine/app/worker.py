"""One worker: as many runs as it has room for, picked fairly, owned by lease and epoch."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import Busy, HeddleError
from libs.common.fair_places import share_of
from services.engine.app.ports.command_store import CommandStore
from services.engine.app.ports.run_store import Claim, RunStore
from services.engine.app.ports.worker_leases import WorkerLeases
from services.engine.app.runs.carry_run import RunCarrier, SteeredRun
from services.engine.app.runs.drain_commands import drain_commands
from services.engine.app.runs.drive_run import RunDriver
from services.engine.app.runs.fire_timers import TimerSweep
from services.engine.app.runs.keep_lease import LeaseKeeper
from services.engine.app.runs.pick_runs import RunPicker
from services.engine.app.runs.recover_runs import RunRecovery
from services.engine.app.runs.stopped import Stopped

_log = logging.getLogger(__name__)
_PREPARE_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """`capacity` runs at once, of them at most three quarters of one tenant. Seconds: `sweep`
    between looks for what wake-ups missed, `drain` that a shutdown leaves running runs to end by
    themselves, `hand_back` to hand the rest back."""

    capacity: int = 500
    sweep: float = 2.0
    drain: float = 2.0
    hand_back: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPorts:
    """Where a worker finds its work, and who does it."""

    runs: RunStore
    commands: CommandStore
    leases: WorkerLeases
    carrier: RunCarrier
    timers: TimerSweep
    clock: Clock


@dataclass(slots=True, kw_only=True, eq=False)
class _Driven:
    claim: Claim
    task: asyncio.Task[None]
    driver: SteeredRun | None = None


class Worker:
    """`worker_id` is this process's incarnation: made anew at every start. `on_release` is awaited
    with runs handed back, and with those that ended where others wait for their turn; `on_end` is
    told the tenant of every run that ended."""

    def __init__(
        self,
        worker_id: UUID,
        ports: WorkerPorts,
        options: WorkerOptions,
        lease: LeaseKeeper,
        *,
        on_release: Callable[[Sequence[Claim]], Awaitable[None]],
        on_end: Callable[[UUID], None],
    ) -> None:
        self.worker_id = worker_id
        self._ports = ports
        self._options = options
        self._lease = lease
        self._on_release = on_release
        self._on_end = on_end
        self._driven: dict[UUID, _Driven] = {}
        self._held: Counter[UUID] = Counter()
        self._unstarted: list[Claim] = []
        self._stopping = False
        self._wake = asyncio.Event()
        self._cycle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []
        self._nudges: set[asyncio.Task[None]] = set()
        lease.watch(on_lapse=self._lapse, on_return=self.wake)
        self._share = share_of(options.capacity)
        self._picker = RunPicker(
            ports.runs,
            worker_id,
            room=self.room,
            room_of=self._room_of,
            full=self._full,
            take=self.take,
        )
        self._recovery = RunRecovery(
            ports.runs,
            ports.commands,
            worker_id,
            room=self.room,
            driven=lambda: [*self._driven],
            take=self.take,
            nudge=self.nudge,
        )

    async def start(self) -> None:
        """Take the lease and begin to look for work. Raises Unavailable."""
        await self._ports.leases.prepare_journal()
        await self._lease.beat()
        self._tasks = [
            asyncio.ensure_future(self._lease.run()),
            asyncio.ensure_future(self._work()),
        ]
        self.wake()

    def room(self) -> int:
        """How many more runs may be taken now; 0 while stopping and without a lease."""
        if self._stopping or not self._lease.is_safe():
            return 0
        return self._options.capacity - len(self._driven)

    def under_way(self) -> int:
        """Runs driven here."""
        return len(self._driven)

    def lease_remaining(self) -> float:
        """Seconds for which runs may be owned here without a further beat."""
        return self._lease.remaining()

    def claimant(self, tenant_id: UUID) -> UUID | None:
        """The id to accept runs of the tenant with, None when there is no room for one more."""
        return self.worker_id if min(self.room(), self._room_of(tenant_id)) > 0 else None

    def driver_of(self, run_id: UUID) -> RunDriver | None:
        known = self._driven.get(run_id)
        driver = known.driver if known else None
        return driver if isinstance(driver, RunDriver) else None

    def take(self, claim: Claim) -> None:
        """Drive a run that was claimed for this worker."""
        known = self._driven.get(claim.run_id)
        if known is not None:
            if known.claim.epoch >= claim.epoch:
                return
            self._drop(known)
        if self._stopping:
            self._unstarted.append(claim)
        elif not self._lease.is_safe():
            self._recovery.own_were_dropped()
        else:
            task = asyncio.ensure_future(self._carry(claim))
            self._driven[claim.run_id] = _Driven(claim=claim, task=task)
            self._held[claim.tenant_id] += 1

    def claim_unheard(self) -> None:
        """A claim may have been committed whose answer never came: the next sweep finds it."""
        self._recovery.own_were_dropped()

    def nudge(self, run_id: UUID) -> None:
        """The run has commands; without effect when it is not driven here."""
        known = self._driven.get(run_id)
        if known is not None and known.driver is not None:
            task = asyncio.ensure_future(self._drain_commands(known.claim, known.driver))
            self._nudges.add(task)
            task.add_done_callback(self._nudges.discard)

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    async def looked(self) -> None:
        """Look for work, and return when a look that began after this call is over.

        Raises Busy while stopping: another worker should look.
        """
        if self._stopping:
            raise Busy("This worker is stopping.")
        cycle = self._cycle
        self.wake()
        await asyncio.shield(cycle)

    async def stop(self) -> None:
        """Let runs end for a moment, hand the others back, and step down."""
        self._stopping = True
        if self._tasks:
            await _cancelled(self._tasks.pop())
        if self._driven:
            await asyncio.wait(
                [each.task for each in self._driven.values()], timeout=self._options.drain
            )
        with contextlib.suppress(TimeoutError, HeddleError):
            async with asyncio.timeout(self._options.hand_back):
                await self._hand_back()
        for each in [*self._driven.values()]:
            await _cancelled(each.task)
        for task in [*self._tasks, *self._nudges]:
            await _cancelled(task)
        if not self._cycle.done():
            self._cycle.set_result(None)
        await self._lease.step_down()

    async def _hand_back(self) -> None:
        left = [*self._driven.values()]
        await asyncio.gather(*(each.driver.hand_back() for each in left if each.driver))
        claims = [each.claim for each in left if not each.task.done()] + self._unstarted
        for each in left:
            self._drop(each)
        if claims:
            await self._ports.runs.release(self.worker_id, claims)
            await self._on_release(claims)

    async def _work(self) -> None:
        clock = self._ports.clock
        next_sweep, next_prepare = clock.monotonic(), clock.monotonic() + _PREPARE_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(next_sweep - clock.monotonic(), 0.0)):
                    await self._wake.wait()
            self._wake.clear()
            cycle, self._cycle = self._cycle, asyncio.get_running_loop().create_future()
            try:
                if clock.monotonic() >= next_sweep:
                    next_sweep = clock.monotonic() + self._options.sweep
                    await self._recovery.sweep()
                    await self._ports.timers.sweep()
                if clock.monotonic() >= next_prepare:
                    next_prepare = clock.monotonic() + _PREPARE_SECONDS
                    await self._ports.leases.prepare_journal()
                await self._picker.pick()
            except HeddleError as error:
                self.claim_unheard()
                _log.warning("looking for work: %s", error)
                await clock.sleep(min(self._options.sweep, 1.0))
            finally:
                if not cycle.done():
                    cycle.set_result(None)

    async def _carry(self, claim: Claim) -> None:
        mine = self._driven[claim.run_id]

        def started(driver: SteeredRun) -> None:
            mine.driver = driver

        try:
            stopped = await self._ports.carrier.carry(claim, started)
            if stopped is Stopped.ENDED:
                self._on_end(claim.tenant_id)
                if claim.request.turn_of is not None:
                    # Another worker may have the room that is wanted for the next turn.
                    await self._on_release([claim])
        except HeddleError as error:
            _log.warning("run %s waits for its start: %s", claim.run_id, error)
            self._recovery.own_were_dropped()
        finally:
            self._forget(mine)
            self.wake()

    async def _drain_commands(self, claim: Claim, driver: SteeredRun) -> None:
        try:
            await drain_commands(self._ports.commands, claim, driver)
        except HeddleError as error:
            _log.warning("commands of run %s wait: %s", claim.run_id, error)

    def _lapse(self) -> None:
        _log.warning("the lease lapsed: %d runs stop here", len(self._driven))
        self._recovery.own_were_dropped()
        for each in [*self._driven.values()]:
            self._drop(each)

    def _drop(self, driven: _Driven) -> None:
        self._forget(driven)
        if driven.driver is not None:
            driven.driver.let_go()
        else:
            driven.task.cancel()

    def _forget(self, driven: _Driven) -> None:
        claim = driven.claim
        if self._driven.get(claim.run_id) is driven:
            del self._driven[claim.run_id]
            self._held[claim.tenant_id] -= 1
            if not self._held[claim.tenant_id]:
                del self._held[claim.tenant_id]

    def _room_of(self, tenant_id: UUID) -> int:
        return self._share - self._held[tenant_id]

    def _full(self) -> list[UUID]:
        return [tenant for tenant, held in self._held.items() if held >= self._share]


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
