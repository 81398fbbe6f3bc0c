"""What must hold at every moment of a round, noted where it happens."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from libs.common.contracts.envelope import Effect
from libs.common.contracts.run_events import ReasoningDelta, TextDelta
from services.engine.app.ports.journal_store import Entry
from services.engine.domain.events import journal
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.graph.node_labels import NodeLabel

_ENDS = (journal.EffectCompleted, journal.EffectFailed)


class RunAudit:
    """What is durable of one run, and what the world has seen of it."""

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id
        self.epoch = 0
        self.owners: dict[int, UUID] = {}
        self.events: list[journal.JournalEvent] = []
        self.dispatched: set[str] = set()
        self.ended: set[str] = set()
        self.generations: set[str] = set()
        self.told: dict[int, Any] = {}
        self.upstream: Counter[str] = Counter()

    def commit(self, worker: UUID, epoch: int, entries: Sequence[Entry]) -> None:
        assert epoch >= self.epoch, "an older epoch wrote after a newer one"
        assert self.owners.setdefault(epoch, worker) == worker, "two workers wrote in one epoch"
        self.epoch = epoch
        for seq, event in entries:
            assert seq == len(self.events) + 1, "the journal has a gap or a double"
            assert not self.finished, "the journal goes on behind its end"
            self.events.append(event)
            self._count(event)

    def publish(self, event: Any) -> None:
        if isinstance(event, TextDelta):
            assert event.generation in self.generations, "text ran ahead of its generation"
        elif not isinstance(event, ReasoningDelta):
            seq = event["seq"]
            assert seq <= len(self.events), "an event was published before its commit"
            assert self.told.setdefault(seq, event) == event, "one number tells two events"

    @property
    def finished(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], journal.RunFinished)

    def text(self, labels: Mapping[str, NodeLabel]) -> str:
        """The run's visible text; what was published must be what the journal tells."""
        view = PublicView(self.run_id, labels)
        stored = {seq: view.tell(seq, event) for seq, event in enumerate(self.events, 1)}
        for seq, event in self.told.items():
            assert event == stored[seq], "a published event is not the journal's"
        return view.text

    def _count(self, event: journal.JournalEvent) -> None:
        if isinstance(event, journal.EffectDispatched):
            assert event.key not in self.dispatched, "an effect was journalled as new twice"
            self.dispatched.add(event.key)
        elif isinstance(event, _ENDS):
            assert event.key not in self.ended, "an effect ended twice"
            self.ended.add(event.key)
        elif isinstance(event, journal.GenerationStarted):
            self.generations.add(event.generation)


class Audit:
    """All runs of a round. What is found inside a process must not be swallowed there: it is also
    given to `on_defect`. `digest` stands for all that was noted, in its order and at its instants;
    `now` tells them."""

    def __init__(
        self, on_defect: Callable[[BaseException], None], *, now: Callable[[], float]
    ) -> None:
        self.runs: dict[UUID, RunAudit] = {}
        self._now = now
        self._noted = hashlib.sha256()
        self.takeovers = 0
        self.repeated = 0
        self._on_defect = on_defect

    def of(self, run_id: UUID) -> RunAudit:
        return self.runs.setdefault(run_id, RunAudit(run_id))

    @property
    def digest(self) -> str:
        return self._noted.hexdigest()

    def committed(self, run_id: UUID, worker: UUID, epoch: int, entries: Sequence[Entry]) -> None:
        kinds = " ".join(f"{seq}{type(event).__name__}" for seq, event in entries)
        self._note(f"committed {run_id} {worker} {epoch} {kinds}")
        try:
            self.of(run_id).commit(worker, epoch, entries)
        except AssertionError as error:
            self._on_defect(error)

    def published(self, run_id: UUID, events: Sequence[Any]) -> None:
        """A worker hands events to the bus."""
        self._note(f"published {run_id} {len(events)}")
        try:
            for event in events:
                self.of(run_id).publish(event)
        except AssertionError as error:
            self._on_defect(error)

    def sent(self, effect: Effect, *, leased: bool, current: bool) -> None:
        """A worker sends an effect. `leased`: its lease holds; `current`: nobody owns the run under
        a higher epoch."""
        run = self.of(effect.run_id)
        self._note(f"sent {effect.key} {effect.epoch}")
        try:
            assert effect.key in run.dispatched, "an effect was sent before its commit"
            assert leased, "an effect was sent without a lease"
            assert not (current and effect.key in run.ended), "a recorded effect was sent again"
        except AssertionError as error:
            self._on_defect(error)

    def made(self, effect: Effect) -> None:
        """The callee begins to perform an effect."""
        run = self.of(effect.run_id)
        run.upstream[effect.key] += 1
        self._note(f"made {effect.key}")
        try:
            assert effect.key not in run.ended, "a recorded effect was performed again"
            if effect.effect_class != "model":
                assert run.upstream[effect.key] == 1, "an effect was performed twice"
        except AssertionError as error:
            self._on_defect(error)

    def _note(self, what: str) -> None:
        self._noted.update(f"{self._now():.6f} {what}\n".encode())
