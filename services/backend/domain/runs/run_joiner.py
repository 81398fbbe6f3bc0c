"""Joins what a reader hears live with what it reads from the store into one gapless story.

Live events may be lost, doubled or overtaken by a re-read; deltas may belong to a generation that
has been given up. Whatever happens, the items that come out tell each public event once, in order,
and their text adds up to the run's visible text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from libs.common.contracts.run_events import (
    CommittedEvent,
    GenerationStarted,
    ReasoningDelta,
    RunEvent,
    RunFinished,
    TextCommitted,
    TextDelta,
    TextReplaced,
)
from services.backend.domain.runs.resume_point import START, ResumePoint
from services.backend.domain.runs.visible_text import VisibleText

_HELD_DELTAS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A committed event that is not about text."""

    event: CommittedEvent
    at: ResumePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class TextShown:
    """Visible text grew by `text`."""

    text: str
    selector: tuple[str, ...]
    at: ResumePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWithdrawn:
    """The visible text is now `text`, and nothing else."""

    text: str
    at: ResumePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient:
    """Never resumed; complete in a later committed event."""

    event: ReasoningDelta


JoinedItem = Happened | TextShown | TextWithdrawn | Transient


class RunJoiner:
    """One reader's fold. Start it at the point that its client has seen.

    The stored part must be read from the run's beginning: items at or before the client's point
    are then swallowed, save the run's end, which is always told. `seq` is the last public event
    applied, `gap` True when a live event showed that something before it is missing; a re-read
    after `seq` mends it.
    """

    def __init__(self, seen: ResumePoint = START) -> None:
        self._seen_seq = seen.seq
        self._text = VisibleText(shown=seen.offset)
        self._generations: dict[str, str] = {}
        self._held: list[TextDelta] = []
        self._selector: tuple[str, ...] = ()
        self.seq = 0
        self.gap = False
        self.finished: RunFinished | None = None

    @property
    def text(self) -> str:
        """The run's visible text as far as it is known."""
        return self._text.known

    @property
    def at(self) -> ResumePoint:
        return ResumePoint(seq=max(self.seq, self._seen_seq), offset=self._text.shown)

    def hear(self, events: Iterable[RunEvent]) -> Iterator[JoinedItem]:
        """Apply live events. After one that reveals a gap, committed ones are ignored until the
        store has been read."""
        for event in events:
            match event:
                case TextDelta():
                    yield from self._delta(event)
                case ReasoningDelta():
                    if event.generation in self._generations.values():
                        yield Transient(event=event)
                case _:
                    if event.seq <= self.seq:
                        continue
                    if event.prev != self.seq:
                        self.gap = True
                        continue
                    yield from self._apply(event)

    def read(self, events: Iterable[CommittedEvent]) -> Iterator[JoinedItem]:
        """Apply a page of the store: the public events after `seq`, without a hole."""
        self.gap = False
        for event in events:
            if event.seq > self.seq:
                yield from self._apply(event)

    def _apply(self, event: CommittedEvent) -> Iterator[JoinedItem]:
        self.seq = event.seq
        match event:
            case GenerationStarted():
                self._generations[event.key] = event.generation
                yield from self._withdraw(event.from_offset)
            case TextReplaced():
                self._generations.clear()
                yield from self._withdraw(event.from_offset)
            case TextCommitted():
                self._selector = event.selector
                if not self._text.agrees(event.from_offset, event.text):
                    yield from self._withdraw(event.from_offset)
                self._text.add(event.from_offset, event.text)
            case _:
                if isinstance(event, RunFinished):
                    self.finished = event
                if event.seq > self._seen_seq or self.finished is not None:
                    yield Happened(event=event, at=self.at)
        # Before the client's own point, what it held is older than the offset it names.
        if self.seq >= self._seen_seq:
            yield from self._show(self._selector)
        yield from self._release_held()

    def _delta(self, delta: TextDelta) -> Iterator[JoinedItem]:
        if delta.seq > self.seq:
            self.gap = True
            self._hold(delta)
        elif delta.generation not in self._generations.values():
            return
        elif not self._text.add(delta.from_offset, delta.text):
            self._hold(delta)
        elif self.seq >= self._seen_seq:
            yield from self._show(delta.selector)

    def _hold(self, delta: TextDelta) -> None:
        if len(self._held) < _HELD_DELTAS:
            self._held.append(delta)

    def _release_held(self) -> Iterator[JoinedItem]:
        waiting, self._held = self._held, []
        for delta in waiting:
            if delta.from_offset + len(delta.text) > self._text.length:
                yield from self._delta(delta)

    def _withdraw(self, from_offset: int) -> Iterator[JoinedItem]:
        if self._text.cut(from_offset, at_client=self.seq > self._seen_seq):
            yield TextWithdrawn(text=self._text.known, at=self.at)

    def _show(self, selector: tuple[str, ...]) -> Iterator[JoinedItem]:
        text = self._text.take()
        if text:
            yield TextShown(text=text, selector=selector, at=self.at)
