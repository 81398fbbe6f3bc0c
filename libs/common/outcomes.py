"""What became of a piece of work, for whoever counts."""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from libs.common.tracing import error_name

CLOSED = "closed"


@dataclass(slots=True)
class Outcome:
    """`name` is what the block says of itself; an error has the last word."""

    name: str = "ok"


@contextmanager
def outcome_told(tell: Callable[[str, float], None]) -> Generator[Outcome]:
    """Around the work. `tell` hears its outcome and its seconds: the outcome's name, `closed` for
    one that nobody waited for to the end, or the stable name of its error."""
    outcome, begun = Outcome(), time.perf_counter()
    try:
        yield outcome
    except (GeneratorExit, asyncio.CancelledError):
        outcome.name = CLOSED
        raise
    except BaseException as error:
        outcome.name = error_name(error)
        raise
    finally:
        tell(outcome.name, time.perf_counter() - begun)
