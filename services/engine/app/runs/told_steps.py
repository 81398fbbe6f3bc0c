"""What the steps of a run show to readers, worked out late."""

from collections.abc import Iterable, Mapping
from itertools import islice
from uuid import UUID

from services.engine.domain.events.journal import JournalEvent
from services.engine.domain.execution.public_events import PublicView, ToldEvent, ViewSnapshot
from services.engine.domain.execution.step import Step
from services.engine.domain.graph.node_labels import NodeLabel
from services.engine.domain.variables.secret_mask import SecretMask


class ToldSteps:
    """The public view of a run, as far as it is needed: readers wait for the commit in any case,
    and a call that goes out with it should not wait for them. Steps are told in their order."""

    def __init__(
        self, run_id: UUID, labels: Mapping[str, NodeLabel], mask: SecretMask | None
    ) -> None:
        self._view = PublicView(run_id, labels, mask)
        self._next_seq = 1
        self._ahead: list[tuple[list[ToldEvent], int]] = []

    @property
    def last_seq(self) -> int:
        """The newest public event so far."""
        return self._view.last_seq

    def fold(self, seq: int, event: JournalEvent) -> None:
        """An event of the past, which nobody is told again."""
        self._view.tell(seq, event)
        self._next_seq = seq + 1

    def restore(self, saved: ViewSnapshot, seq: int) -> None:
        """In place of the events up to `seq`."""
        self._view.restore(saved)
        self._next_seq = seq + 1

    def tell(self, step: Step) -> tuple[list[ToldEvent], int]:
        """The public events of the oldest step that was not told, and the newest one's number."""
        return self._ahead.pop(0) if self._ahead else self._told(step)

    def text(self, untold: Iterable[Step]) -> str:
        """The visible text behind `untold`, which are all steps that were not told."""
        self._look_ahead(untold)
        return self._view.text

    def snapshot(self, untold: Iterable[Step]) -> ViewSnapshot:
        """The view behind `untold`, which are all steps that were not told."""
        self._look_ahead(untold)
        return self._view.snapshot()

    def _look_ahead(self, untold: Iterable[Step]) -> None:
        for step in islice(untold, len(self._ahead), None):
            self._ahead.append(self._told(step))

    def _told(self, step: Step) -> tuple[list[ToldEvent], int]:
        shown: list[ToldEvent] = []
        tell, seq = self._view.tell, self._next_seq
        for event in step.events:
            told = tell(seq, event)
            seq += 1
            if told is not None:
                shown.append(told)
        self._next_seq = seq
        return shown, self._view.last_seq
