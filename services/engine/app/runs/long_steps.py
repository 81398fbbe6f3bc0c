"""A run that needs nothing but time goes on step by step, so that its neighbours' turns come."""

import asyncio
from collections.abc import Callable

from services.engine.app.runs.outstanding_appends import OutstandingAppends

_STEPS_AHEAD = 4
"""Steps that may wait for the journal. More would be held in memory, and be done again by whoever
takes the run over."""


class LongSteps:
    """`go_on` begins what the last step left."""

    __slots__ = ("_go_on", "_left", "_outstanding")

    def __init__(self, outstanding: OutstandingAppends, go_on: Callable[[], None]) -> None:
        self._outstanding = outstanding
        self._go_on = go_on
        self._left = False

    def left(self) -> None:
        """A step was not finished: the next one comes in a turn of its own."""
        self._left = True
        asyncio.get_running_loop().call_soon(self.go_on)

    def go_on(self) -> None:
        """Take the next step, if there is one and the journal keeps up."""
        if self._left and self._outstanding.steps_waiting < _STEPS_AHEAD:
            self._left = False
            self._go_on()
