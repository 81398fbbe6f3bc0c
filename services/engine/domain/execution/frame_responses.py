"""What one frame has to say: the sessions of its response nodes, and what they read.

A session's template appears in order. A segment whose source is skipped is left out; one whose
source has not ended holds the session up, and so does one whose variable does not exist, be it for
good (as on Dify, whose graphs rely on it). What a model streams is shown once, by the first segment
that reaches it; stored values wherever they stand.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from services.engine.domain.execution.compiled_frame import CompiledFrame
from services.engine.domain.execution.response_plan import newly_open
from services.engine.domain.node_parts.node_contract import OutputSegment, VariableReader
from services.engine.domain.variables.record import record
from services.engine.domain.variables.rendering import render_markdown
from services.engine.domain.variables.selectors import RUN_SCOPES
from services.engine.domain.variables.values import Missing, Selector

WAITING, DONE, SKIPPED = 0, 1, 2


@record
class Piece:
    """Text with where it comes from. `node_id` is who is said to say it."""

    text: str
    node_id: str
    selector: Selector
    final: bool


@record
class SessionSnapshot:
    """A session that waits or speaks; its segments are the plan's. `left` of an ended frame."""

    frame: str
    node: int
    position: int
    began: int
    left: list[Piece] | None = None


@record
class ResponsesSnapshot:
    """`FrameResponses` between two events."""

    opened: list[list[int]]
    ended: list[int]
    streams: list[tuple[Selector, str]]
    spoken: list[tuple[Selector, int]]


@dataclass(slots=True, eq=False)
class Session:
    """`responses` None: its frame is over, and `left` is what it still had to say."""

    frame: str
    node: int
    responses: "FrameResponses | None"
    segments: tuple[OutputSegment, ...] = ()
    position: int = 0
    # Where in the visible text the segment that is speaking began.
    began: int = 0
    left: list[Piece] = field(default_factory=list[Piece])

    def selector(self) -> Selector | None:
        """Of the segment that is speaking."""
        if self.responses is None or self.position >= len(self.segments):
            return None
        return self.segments[self.position].selector

    def next_piece(self) -> Piece | None:
        """What can be shown next, which may be nothing: None while nothing can, and at the end.
        What was told is not told again."""
        if self.responses is None:
            return self.left.pop(0) if self.left else None
        return self.responses.show(self) if self.position < len(self.segments) else None

    def is_over(self) -> bool:
        """Whether all has been told."""
        return not self.left if self.responses is None else self.position == len(self.segments)

    def close(self) -> None:
        """The frame is over. What can be shown of it now is still told; what holds the session up,
        and all behind it, never."""
        left: list[Piece] = []
        while (piece := self.next_piece()) is not None:
            if piece.text:
                left.append(piece)
        self.responses, self.segments, self.left = None, (), left

    def snapshot(self) -> SessionSnapshot:
        return SessionSnapshot(
            frame=self.frame,
            node=self.node,
            position=self.position,
            began=self.began,
            left=[*self.left] if self.responses is None else None,
        )


class FrameResponses:
    """`path` is the frame's, whose nodes and variables these are."""

    __slots__ = (
        "_ended",
        "_graph",
        "_open",
        "_plan",
        "_sessions",
        "_spoken",
        "_streams",
        "_variables",
        "path",
    )

    def __init__(self, path: str, frame: CompiledFrame, variables: VariableReader) -> None:
        self.path = path
        self._graph = frame.graph
        self._plan = frame.responses
        self._variables = variables
        # One set for each group of the plan.
        self._open: list[set[int]] = [set() for _ in frame.responses.groups]
        self._sessions: list[Session] = []
        self._ended = bytearray(len(frame.graph.nodes))
        self._streams: dict[Selector, str] = {}
        # How much of each stream has been shown.
        self._spoken: dict[Selector, int] = {}

    def start(self) -> list[Session]:
        """The frame began: what needs no decision is open; what only another start has is out."""
        for node in self._plan.aside:
            self._ended[node] = SKIPPED
        return self._opened([group.opened for group in self._plan.groups])

    def edge_taken(self, index: int) -> list[Session]:
        """A blocking edge was decided in favour; the sessions that this opens."""
        if not self._plan.blocking[index]:
            return []
        edge = self._graph.edges[index]
        return self._opened(
            [
                newly_open(self._graph, group.blocking, known, edge.target)
                if group.blocking[index] and edge.source in known
                else ()
                for group, known in zip(self._plan.groups, self._open, strict=True)
            ]
        )

    def node_ended(self, node: int, *, skipped: bool) -> None:
        self._ended[node] = SKIPPED if skipped else DONE

    def add_stream(self, selector: Selector, text: str) -> None:
        """A generation that streams on `selector` ended with `text`."""
        self._streams[selector] = self._streams.get(selector, "") + text

    def all_shown(self, selector: Selector) -> None:
        """The whole stream is visible."""
        self._spoken[selector] = len(self._streams[selector])

    def has_shown(self, selector: Selector) -> bool:
        return bool(self._spoken.get(selector))

    def withdraw(self, node_id: str) -> None:
        """Forget what `node_id` streamed; what of it was visible has been replaced."""
        for selector in [each for each in self._streams if each[0] == node_id]:
            del self._streams[selector]
            self._spoken.pop(selector, None)

    def is_running(self, selector: Selector) -> bool:
        """Whether the node of `selector` is one of the frame that has not ended."""
        node = self._node_of(selector)
        return node is not None and self._ended[node] == WAITING

    def session(self, saved: SessionSnapshot) -> Session:
        """The session that `saved` was taken of."""
        segments = self._plan.templates[saved.node]
        session = Session(self.path, saved.node, self, segments, saved.position, saved.began)
        self._sessions.append(session)
        return session

    def close(self) -> None:
        """See `Session.close`."""
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    def show(self, session: Session) -> Piece | None:
        """See `Session.next_piece`."""
        segment = session.segments[session.position]
        final = session.position == len(session.segments) - 1
        if segment.selector is None:
            node_id = self._graph.nodes[session.node].id
            session.position += 1
            return Piece(
                text=segment.text, node_id=node_id, selector=(node_id, "answer"), final=final
            )
        return self._value(session, segment.selector, final=final)

    def snapshot(self) -> ResponsesSnapshot:
        return ResponsesSnapshot(
            opened=[sorted(known) for known in self._open],
            ended=list(self._ended),
            streams=list(self._streams.items()),
            spoken=list(self._spoken.items()),
        )

    def restore(self, saved: ResponsesSnapshot) -> None:
        """Become what `saved` was taken of, of the same frame."""
        self._open = [set(known) for known in saved.opened]
        self._ended = bytearray(saved.ended)
        self._streams = dict(saved.streams)
        self._spoken = dict(saved.spoken)

    def _opened(self, found: Sequence[Collection[int]]) -> list[Session]:
        """Nodes that became open, a group each."""
        fresh: list[int] = []
        for group, known, nodes in zip(self._plan.groups, self._open, found, strict=True):
            known.update(nodes)
            fresh.extend(node for node in nodes if node in group.nodes)
        fresh.sort(key=lambda index: self._graph.nodes[index].id)
        templates = self._plan.templates
        opened = [Session(self.path, node, self, templates[node]) for node in fresh]
        self._sessions.extend(opened)
        return opened

    def _value(self, session: Session, selector: Selector, *, final: bool) -> Piece | None:
        node = self._node_of(selector)
        node_id = self._graph.nodes[session.node if node is None else node].id
        text, over = self._text(node, selector)
        session.position += over
        if not over and not text:
            return None
        return Piece(text=text, node_id=node_id, selector=selector, final=final and over)

    def _text(self, node: int | None, selector: Selector) -> tuple[str, bool]:
        """What can be shown now, and whether that is all."""
        if node is not None:
            if self._ended[node] == SKIPPED:
                return "", True
            stream = self._streams.get(selector)
            if stream is not None:
                text = stream[self._spoken.get(selector, 0) :]
                self._spoken[selector] = len(stream)
                return text, self._ended[node] == DONE
            if self._ended[node] == WAITING:
                return "", False
        value = self._variables.get(selector)
        return ("", False) if isinstance(value, Missing) else (render_markdown(value), True)

    def _node_of(self, selector: Selector) -> int | None:
        return None if selector[0] in RUN_SCOPES else self._graph.index_of.get(selector[0])
