"""The instants that a run waits for."""

import asyncio
from collections.abc import Callable

from services.engine.domain.execution.step import Timer


class RunTimers:
    """`due` is told the id of each timer at its instant, by the loop's clock."""

    __slots__ = ("_due", "_handles", "_loop")

    def __init__(self, due: Callable[[str], None]) -> None:
        self._due = due
        self._loop = asyncio.get_running_loop()
        self._handles: dict[str, asyncio.TimerHandle] = {}

    def schedule(self, timer: Timer, now: float) -> None:
        """`now` in Unix seconds; one whose instant has passed is due at once."""
        delay = max(timer.due - now, 0.0)
        self._handles[timer.timer_id] = self._loop.call_later(delay, self._ring, timer.timer_id)

    def cancel(self) -> None:
        """None of those scheduled so far will be due."""
        for handle in self._handles.values():
            handle.cancel()

    def _ring(self, timer_id: str) -> None:
        self._handles.pop(timer_id, None)
        self._due(timer_id)
