"""What a journal says between its first event and the run's own first step."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.engine.domain.events.journal import JournalEvent, RunStarted


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """`pins` is the beginning of the run's origin, whose pins hold on. `facts` tell what the run
    begins from; `taken` is what happened in its origin, in order, to nodes that it does not
    execute, and follows the run's first node."""

    pins: RunStarted | None = None
    facts: Sequence[JournalEvent] = ()
    taken: Sequence[JournalEvent] = ()


NO_OPENING = Opening()
