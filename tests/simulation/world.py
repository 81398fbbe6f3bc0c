"""Time, chance and processes of one simulated round. Everything that happens is an entry in one
queue, so that one seed makes one story."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from tests.simulation.process_loop import ProcessLoop

START = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_TURNS = 1000


class World:
    """`now` is true time in seconds. `random` makes every choice of the round."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.happened = 0
        self.defects: list[BaseException] = []
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Have `happen` called `seconds` from now."""
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), happen))

    def run(self, until: float, *, unless: Callable[[], bool] = lambda: False) -> None:
        """Let things happen up to the instant `until`, or until `unless` holds."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._queue)
            self.happened += 1
            happen()
            if unless():
                return
        self.now = max(self.now, until)

    def new_id(self) -> UUID:
        """A UUIDv7 of this moment, drawn like everything else."""
        millis = int((START + timedelta(seconds=self.now)).timestamp() * 1000)
        low = self.random.getrandbits(62)
        high = self.random.getrandbits(12)
        return UUID(int=(millis << 80) | (7 << 76) | (high << 64) | (2 << 62) | low)


class StoreClock:
    """True time: what the database judges leases by. It has nobody to wait for."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return START + timedelta(seconds=self._world.now)

    def time(self) -> float:
        return self.now().timestamp()

    def monotonic(self) -> float:
        return self._world.now

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        raise NotImplementedError


class ProcessClock:
    """A process's own clocks: monotonic time that runs `rate` times as fast as true time, and a
    wall clock that is `ahead` seconds off, which a step may change."""

    def __init__(self, world: World, loop: Callable[[], ProcessLoop]) -> None:
        self._world = world
        self._loop = loop
        self._base = world.random.uniform(0, 1e6)
        self._since = world.now
        self.rate = world.random.uniform(0.95, 1.05)
        self.ahead = world.random.uniform(-2, 2)

    def now(self) -> datetime:
        return START + timedelta(seconds=self._world.now + self.ahead)

    def time(self) -> float:
        return self.now().timestamp()

    def monotonic(self) -> float:
        return self._base + (self._world.now - self._since) * self.rate

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop().call_later(max(seconds, 0.0), call)

    def true_delay(self, instant: float) -> float:
        """True seconds until this clock's monotonic time is `instant`."""
        return max((instant - self.monotonic()) / self.rate, 0.0)


class Process:
    """One process: what it does stands still while it is frozen, and is over once it is dead."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = ProcessClock(world, lambda: self.loop)
        self.loop = ProcessLoop(self.clock.monotonic)
        self.alive = True
        self.cut_off_until = 0.0
        self._frozen_until = 0.0
        self._missed: list[Callable[[], None]] = []
        self._alarm_at = float("inf")

    def start(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Run `work` as a task of the process; from outside."""
        self.do(lambda: self.spawn(work()))

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """As `start`, from inside."""
        self.loop.create_task(work).add_done_callback(self._over)

    def do(self, happen: Callable[[], None]) -> None:
        """Have `happen` called inside the process as soon as it runs."""
        if not self.alive:
            return
        if self.world.now < self._frozen_until:
            self._missed.append(happen)
            return
        with self.loop.entered():
            happen()
            self.loop.run_until_idle()
        self._set_alarm()

    def freeze(self, seconds: float) -> None:
        """Stand still, as a stopped process or a paused machine does; time goes on."""
        self._frozen_until = max(self._frozen_until, self.world.now + seconds)
        self.world.after(seconds, self._thaw)

    def kill(self) -> None:
        """Die without a word. Its tasks are ended here, where nobody hears them any more."""
        self.alive = False
        with self.loop.entered():
            for _ in range(_MOST_TURNS):
                left = self.loop.unfinished()
                if not left:
                    return
                for task in left:
                    task.cancel()
                self.loop.run_until_idle()
        raise AssertionError("a dead process does not end its tasks")

    def drives(self, run_id: UUID) -> bool:
        """Whether a wake-up for the run would change anything here."""
        return False

    def is_cut_off(self) -> bool:
        """No network reaches it at the moment."""
        return not self.alive or self.world.now < self.cut_off_until

    def _over(self, task: "asyncio.Task[object]") -> None:
        if self.alive and not task.cancelled() and (error := task.exception()) is not None:
            self.world.defects.append(error)

    def _thaw(self) -> None:
        if self.world.now < self._frozen_until:
            return
        missed, self._missed = self._missed, []
        for happen in missed:
            self.do(happen)
        self.do(lambda: None)

    def _set_alarm(self) -> None:
        due = self.loop.next_timer()
        if due is None:
            return
        # A hair later, so that rounding never wakes it too early.
        delay = self.clock.true_delay(due) + 1e-6
        at = self.world.now + delay
        if at < self._alarm_at:
            self._alarm_at = at
            self.world.after(delay, lambda: self._alarm(at))

    def _alarm(self, at: float) -> None:
        if at == self._alarm_at:
            self._alarm_at = float("inf")
            self.do(lambda: None)
