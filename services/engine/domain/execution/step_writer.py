"""The step being filled: what happens is applied to the state as it is written down."""

from collections.abc import Sequence

from services.engine.domain.events import journal
from services.engine.domain.execution.response_coordinator import Emission
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.step import Step
from services.engine.domain.variables.record import record

_ENDINGS = (journal.NodeSucceeded, journal.NodeFailed)


@record
class WriterSnapshot:
    """What a replay knows of the journal's account of the visible text."""

    accounted: int
    owed: list[Emission]


class StepWriter:
    """`now` is the instant of the present step, Unix seconds."""

    __slots__ = ("_accounted", "_owed", "_state", "now", "step")

    def __init__(self, state: RunState) -> None:
        self._state = state
        self.now = 0.0
        self.step = Step()
        self._accounted = 0
        self._owed: list[Emission] = []

    def open(self, now: float) -> Step:
        """Begin a step at instant `now`."""
        self.now = now
        self.step = Step()
        return self.step

    def record(self, event: journal.JournalEvent) -> None:
        """Apply an event and note it, with the text that it makes visible.

        Text stands before the end of the node that it comes from, as clients expect.
        """
        emitted = self._state.apply(event)
        events = self.step.events
        if not emitted:
            events.append(event)
            return
        if isinstance(event, _ENDINGS):
            events.extend(self._committed(emission) for emission in emitted)
            events.append(event)
            return
        events.append(event)
        events.extend(self._committed(emission) for emission in emitted)

    def account_for(self, length: int) -> None:
        """During a replay: the journal's account of the visible text is `length` long now."""
        self._accounted = length
        self._owed = [emission for emission in self._owed if emission.from_offset >= length]

    def owe(self, emitted: Sequence[Emission]) -> None:
        """During a replay: text that an event made visible. Its account stands beside the event,
        save where the journal breaks off between the two."""
        for emission in emitted:
            if emission.from_offset >= self._accounted:
                self._owed.append(emission)

    def pay(self) -> None:
        """After a replay: give account of the text that the journal lacks."""
        self.step.events.extend(self._committed(emission) for emission in self._owed)
        self._owed.clear()

    def snapshot(self) -> WriterSnapshot:
        return WriterSnapshot(accounted=self._accounted, owed=[*self._owed])

    def restore(self, saved: WriterSnapshot) -> None:
        self._accounted, self._owed = saved.accounted, [*saved.owed]

    def _committed(self, emission: Emission) -> journal.TextCommitted:
        return journal.TextCommitted(
            at=self.now,
            from_offset=emission.from_offset,
            text=emission.text,
            node_id=emission.node_id,
            selector=list(emission.selector),
            frame=emission.frame,
            generation=emission.generation,
            final=emission.final,
        )
