"""Decides which text is visible, in which order: part of a run's fold, pure and incremental.

One session, the oldest that opened, speaks at a time. A round of a container speaks once all rounds
before it are over, so that their text stands in the order of their index whoever is first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.engine.domain.execution.frame_responses import (
    FrameResponses,
    Piece,
    ResponsesSnapshot,
    Session,
    SessionSnapshot,
)
from services.engine.domain.variables.record import record
from services.engine.domain.variables.selectors import RUN_SCOPES
from services.engine.domain.variables.values import Selector

ContainerPlace = tuple[str, str]
"""The frame path and the id of a container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """Text that has become visible for good."""

    from_offset: int
    text: str
    node_id: str
    selector: Selector
    frame: str
    generation: str | None
    final: bool


@dataclass(slots=True)
class _Line:
    """The rounds of a container, as they wait to speak: `turn` is the first that is not over,
    `over` those behind it that are, `held` what was opened out of turn."""

    turn: int = 0
    over: set[int] = field(default_factory=set[int])
    held: dict[int, list[Session]] = field(default_factory=dict[int, list[Session]])


@record
class LineSnapshot:
    """A container's rounds as they wait to speak."""

    place: ContainerPlace
    turn: int
    over: list[int]
    held: list[tuple[int, list[SessionSnapshot]]]


@record
class CoordinatorSnapshot:
    """`ResponseCoordinator` between two events; `frames` by path, with the container and the index
    of all but the run's own."""

    frames: list[tuple[str, ContainerPlace | None, int, ResponsesSnapshot]]
    lines: list[LineSnapshot]
    waiting: list[SessionSnapshot]
    active: SessionSnapshot | None
    visible_length: int


class ResponseCoordinator:
    """`visible_length` is the length of the committed visible text in code points."""

    __slots__ = (
        "_active",
        "_emitted",
        "_frames",
        "_gates",
        "_lines",
        "_waiting",
        "visible_length",
    )

    def __init__(self, root: FrameResponses) -> None:
        self._frames = {root.path: root}
        self._gates: dict[str, tuple[ContainerPlace, int]] = {}
        self._lines: dict[ContainerPlace, _Line] = {}
        self._waiting: list[Session] = []
        self._active: Session | None = None
        self._emitted: list[Emission] = []
        self.visible_length = 0

    def opened(self, frame: str, sessions: Sequence[Session]) -> None:
        """Sessions of `frame` may speak, each in its turn."""
        if not sessions:
            return
        gate = self._gates.get(frame)
        if gate is None:
            self._waiting.extend(sessions)
            return
        place, index = gate
        line = self._lines[place]
        if index == line.turn:
            self.opened(place[0], sessions)
        else:
            line.held.setdefault(index, []).extend(sessions)

    def frame_began(self, responses: FrameResponses, place: ContainerPlace, index: int) -> None:
        """Round `index` of the container at `place` began."""
        self._lines.setdefault(place, _Line())
        self._gates[responses.path] = (place, index)
        self._frames[responses.path] = responses
        self.opened(responses.path, responses.start())

    def frame_ended(self, path: str) -> None:
        """A round is over; what its response nodes still have to say is kept."""
        responses = self._frames.pop(path, None)
        if responses is None:
            return
        responses.close()
        place, index = self._gates.pop(path)
        line = self._lines[place]
        line.over.add(index)
        while line.turn in line.over:
            line.over.remove(line.turn)
            line.turn += 1
            self.opened(place[0], line.held.pop(line.turn, ()))

    def container_ended(self, place: ContainerPlace) -> None:
        self._lines.pop(place, None)

    def streamed(self, frame: str, selector: Selector, text: str, generation: str) -> None:
        """A generation that streams on `selector` ended with `text`."""
        responses = self._frames.get(frame)
        if responses is None:
            return
        responses.add_stream(selector, text)
        session = self._active
        if (
            session is not None
            and session.responses is responses
            and session.selector() == selector
        ):
            piece = Piece(text=text, node_id=selector[0], selector=selector, final=False)
            self._emit(piece, frame, generation)
            responses.all_shown(selector)

    def shown_from(self, frame: str, node_id: str) -> int | None:
        """Where the committed text of `node_id`, which has not ended, begins; None without any."""
        session = self._active
        if session is None or session.frame != frame or session.responses is None:
            return None
        current = session.selector()
        if current is None or current[0] != node_id:
            return None
        return session.began if session.responses.has_shown(current) else None

    def speaking(self) -> tuple[str, Selector] | None:
        """The frame and selector whose running node would be heard now, None when nobody's
        would."""
        session = self._active
        if session is None or session.responses is None:
            return None
        selector = session.selector()
        if selector is None or selector[0] in RUN_SCOPES:
            return None
        return (session.frame, selector) if session.responses.is_running(selector) else None

    def advance(self) -> Sequence[Emission]:
        """Everything that has become visible since the last call."""
        while True:
            if self._active is None:
                if not self._waiting:
                    break
                self._active = self._waiting.pop(0)
                self._active.began = self.visible_length
            if not self._speak(self._active):
                break
            self._active = None
        if not self._emitted:
            return ()
        emitted, self._emitted = self._emitted, []
        return emitted

    def snapshot(self) -> CoordinatorSnapshot:
        active = self._active
        return CoordinatorSnapshot(
            frames=[self._saved_frame(each) for each in self._frames.values()],
            lines=[_saved_line(place, line) for place, line in self._lines.items()],
            waiting=[session.snapshot() for session in self._waiting],
            active=None if active is None else active.snapshot(),
            visible_length=self.visible_length,
        )

    def restore(self, saved: CoordinatorSnapshot, frames: Sequence[FrameResponses]) -> None:
        """Become the coordinator, of the same frames, that `saved` was taken of."""
        by_path = {responses.path: responses for responses in frames}
        self._frames = {path: by_path[path] for path, *_ in saved.frames}
        self._gates = {
            path: (place, index) for path, place, index, _ in saved.frames if place is not None
        }
        for path, _, _, responses in saved.frames:
            by_path[path].restore(responses)
        self._active = None if saved.active is None else self._session(saved.active)
        self._waiting = [self._session(each) for each in saved.waiting]
        self._lines = {
            each.place: _Line(
                each.turn,
                set(each.over),
                {index: [self._session(one) for one in held] for index, held in each.held},
            )
            for each in saved.lines
        }
        self.visible_length = saved.visible_length

    def _saved_frame(
        self, responses: FrameResponses
    ) -> tuple[str, ContainerPlace | None, int, ResponsesSnapshot]:
        place, index = self._gates.get(responses.path, (None, 0))
        return responses.path, place, index, responses.snapshot()

    def _session(self, saved: SessionSnapshot) -> Session:
        if saved.left is None:
            return self._frames[saved.frame].session(saved)
        ended = Session(saved.frame, saved.node, None, (), saved.position, saved.began)
        ended.left = [*saved.left]
        return ended

    def _speak(self, session: Session) -> bool:
        """Show what can be shown; True when the session is through."""
        position = session.position
        while (piece := session.next_piece()) is not None:
            self._emit(piece, session.frame, None)
            if session.position != position:
                position, session.began = session.position, self.visible_length
        return session.is_over()

    def _emit(self, piece: Piece, frame: str, generation: str | None) -> None:
        if not piece.text:
            return
        self._emitted.append(
            Emission(
                from_offset=self.visible_length,
                text=piece.text,
                node_id=piece.node_id,
                selector=piece.selector,
                frame=frame,
                generation=generation,
                final=piece.final,
            )
        )
        self.visible_length += len(piece.text)


def _saved_line(place: ContainerPlace, line: _Line) -> LineSnapshot:
    return LineSnapshot(
        place=place,
        turn=line.turn,
        over=sorted(line.over),
        held=[
            (index, [session.snapshot() for session in held]) for index, held in line.held.items()
        ],
    )
