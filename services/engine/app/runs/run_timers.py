"""The instants that runs wait for."""

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from math import ceil

from libs.common.clock import Clock
from services.engine.domain.execution.step import Timer

_LEAST_DROPPED = 1000


class LoopTimers:
    """All timers of a worker behind one of the loop's, which costs several times as much as an
    entry here. Those of runs that are over are dropped once they are the greater part.

    By `clock`, monotonic: the loop's own time stands still while many timers ring.
    """

    __slots__ = ("_armed", "_clock", "_entries", "_handle", "_loop", "_numbers", "_over")

    def __init__(self, clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._entries: list[tuple[float, int, RunTimers, str]] = []
        self._numbers = count()
        self._over = 0
        self._armed = 0.0
        self._handle: asyncio.TimerHandle | None = None

    @property
    def size(self) -> int:
        """Entries, with those that nobody wants any more."""
        return len(self._entries)

    def add(self, delay: float, timers: "RunTimers", timer_id: str) -> None:
        """Ring `timer_id` in `delay` seconds."""
        due = self._clock.monotonic() + delay
        heappush(self._entries, (due, next(self._numbers), timers, timer_id))
        if self._handle is None or due < self._armed:
            self._arm(due)

    def left(self, waiting: int) -> None:
        """So many entries are no longer wanted."""
        self._over += waiting
        if self._over > _LEAST_DROPPED and 2 * self._over > len(self._entries):
            self._entries = [entry for entry in self._entries if entry[2].waiting]
            heapify(self._entries)
            self._over = 0

    def _arm(self, due: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._armed = due
        # The loop counts in whole milliseconds: one that is rounded down would ring again and
        # again until the instant has come.
        delay = ceil((due - self._clock.monotonic()) * 1000) / 1000
        self._handle = self._loop.call_later(max(delay, 0.0), self._ring)

    def _ring(self) -> None:
        self._handle = None
        now = self._clock.monotonic()
        entries = self._entries
        while entries and entries[0][0] <= now:
            _, _, timers, timer_id = heappop(entries)
            if timers.waiting:
                timers.ring(timer_id)
            else:
                self._over -= 1
            # A run that ended may have thinned them out.
            entries = self._entries
        # What was rung may have set one for later, which armed the loop for that one.
        if entries and (self._handle is None or entries[0][0] < self._armed):
            self._arm(entries[0][0])


class RunTimers:
    """Those of one run. `due` is told the id of each timer at its instant.

    `waiting` are to come.
    """

    __slots__ = ("_due", "_shared", "waiting")

    def __init__(self, shared: LoopTimers, due: Callable[[str], None]) -> None:
        self._shared = shared
        self._due = due
        self.waiting = 0

    def schedule(self, timer: Timer, now: float) -> None:
        """`now` in Unix seconds; one whose instant has passed is due at once."""
        self.waiting += 1
        self._shared.add(max(timer.due - now, 0.0), self, timer.timer_id)

    def cancel(self) -> None:
        """The run is over: none of its timers will be due."""
        # What is left of them waits to be dropped, and must not keep the run alive meanwhile.
        self._due = _unheard
        waiting, self.waiting = self.waiting, 0
        self._shared.left(waiting)

    def ring(self, timer_id: str) -> None:
        self.waiting -= 1
        self._due(timer_id)


def _unheard(_timer_id: str) -> None:
    """Nobody waits any more."""
