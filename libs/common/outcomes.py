"""What became of a piece of work, for whoever counts."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from libs.common.tracing import error_name

CLOSED = "closed"


@dataclass(slots=True)
class Outcome:
    """`name` is what the block says of itself; an error has the last word."""

    name: str = "ok"


class outcome_told:  # noqa: N801 - used as a context manager
    """Around the work. `tell` hears its outcome and its seconds: the outcome's name, `closed` for
    one that nobody waited for to the end, or the stable name of its error."""

    __slots__ = ("_begun", "_outcome", "_tell")

    def __init__(self, tell: Callable[[str, float], None]) -> None:
        self._tell = tell
        self._outcome = Outcome()
        self._begun = 0.0

    def __enter__(self) -> Outcome:
        self._begun = time.perf_counter()
        return self._outcome

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if isinstance(error, GeneratorExit | asyncio.CancelledError):
            self._outcome.name = CLOSED
        elif error is not None:
            self._outcome.name = error_name(error)
        self._tell(self._outcome.name, time.perf_counter() - self._begun)
