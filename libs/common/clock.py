"""Time as a port, so that tests own it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Alarm(Protocol):
    """A call that is to come."""

    def cancel(self) -> object:
        """Call it off; without effect once it was made."""
        ...


class Clock(Protocol):
    """Where code reads the time and waits."""

    def now(self) -> datetime:
        """The wall-clock instant, timezone-aware UTC. May jump; never measure with it."""
        ...

    def time(self) -> float:
        """`now` in Unix seconds, for whoever asks thousands of times."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds`; zero or less yields once to other tasks."""
        ...

    def call_later(self, seconds: float, call: Callable[[], None]) -> Alarm:
        """Have the running loop make `call` after `seconds`: a wait that needs no task."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))

    def call_later(self, seconds: float, call: Callable[[], None]) -> Alarm:
        return asyncio.get_running_loop().call_later(max(seconds, 0.0), call)
