"""Decides which text is visible, in which order: part of a run's fold, pure and incremental.

One session, the oldest that opened, speaks at a time; its template's segments appear in order. A
segment whose source is skipped is left out; one whose source has not ended holds the session up,
and so does one whose variable does not exist, be it for good (as on Dify, whose graphs rely on it).
What a model streams is shown once, by the first segment that reaches it; stored values wherever
they stand.
"""

from collections import deque
from dataclasses import dataclass

from services.engine.domain.execution.response_plan import ResponsePlan, newly_open
from services.engine.domain.graph.graph import Graph
from services.engine.domain.node_parts.node_contract import OutputSegment, VariableReader
from services.engine.domain.variables.record import record
from services.engine.domain.variables.rendering import render_markdown
from services.engine.domain.variables.selectors import RUN_SCOPES
from services.engine.domain.variables.values import Missing, Selector

WAITING, DONE, SKIPPED = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """Text that has become visible for good."""

    from_offset: int
    text: str
    node_id: str
    selector: Selector
    generation: str | None
    final: bool


@dataclass(slots=True)
class _Session:
    node: int
    segments: tuple[OutputSegment, ...]
    position: int = 0
    # Where in the visible text the segment that is speaking began.
    began: int = 0


@record
class SessionSnapshot:
    """A session that waits or speaks; its segments are the plan's."""

    node: int
    position: int
    began: int


@record
class CoordinatorSnapshot:
    """`ResponseCoordinator` between two events."""

    opened: list[int]
    ended: list[int]
    streams: list[tuple[Selector, str]]
    spoken: list[tuple[Selector, int]]
    waiting: list[SessionSnapshot]
    active: SessionSnapshot | None
    visible_length: int


class ResponseCoordinator:
    """`visible_length` is the length of the committed visible text in code points."""

    __slots__ = (
        "_active",
        "_emitted",
        "_ended",
        "_graph",
        "_open",
        "_plan",
        "_spoken",
        "_streams",
        "_variables",
        "_waiting",
        "visible_length",
    )

    def __init__(self, graph: Graph, plan: ResponsePlan, variables: VariableReader) -> None:
        self._graph = graph
        self._plan = plan
        self._variables = variables
        self._open: set[int] = set()
        self._ended = bytearray(len(graph.nodes))
        self._streams: dict[Selector, str] = {}
        # How much of each stream has been shown.
        self._spoken: dict[Selector, int] = {}
        self._waiting: deque[_Session] = deque()
        self._active: _Session | None = None
        self._emitted: list[Emission] = []
        self.visible_length = 0

    def start(self) -> None:
        """The run began: what needs no decision is open; what only another start has is out."""
        for node in self._plan.aside:
            self._ended[node] = SKIPPED
        self._opened(self._plan.opened)

    def edge_taken(self, index: int) -> None:
        """A blocking edge was decided in favour."""
        edge = self._graph.edges[index]
        if self._plan.blocking[index] and edge.source in self._open:
            self._opened(newly_open(self._graph, self._plan.blocking, self._open, edge.target))

    def node_ended(self, node: int, *, skipped: bool) -> None:
        self._ended[node] = SKIPPED if skipped else DONE

    def streamed(self, selector: Selector, text: str, generation: str) -> None:
        """A generation that streams on `selector` ended with `text`."""
        self._streams[selector] = self._streams.get(selector, "") + text
        session = self._active
        if session is not None and self._current_selector() == selector:
            self._emit(text, selector, self._graph.index_of[selector[0]], generation, final=False)
            self._spoken[selector] = len(self._streams[selector])

    def shown_from(self, node_id: str) -> int | None:
        """Where the committed text of `node_id`, which has not ended, begins; None without any."""
        current = self._current_selector()
        if self._active is None or current is None or current[0] != node_id:
            return None
        return self._active.began if self._spoken.get(current) else None

    def withdraw(self, node_id: str) -> None:
        """Forget what `node_id` streamed; what of it was visible has been replaced."""
        for selector in [each for each in self._streams if each[0] == node_id]:
            del self._streams[selector]
            self._spoken.pop(selector, None)

    def speaking(self) -> Selector | None:
        """The selector whose running node would be heard now, None when nobody's would."""
        selector = self._current_selector()
        if selector is None or selector[0] in RUN_SCOPES:
            return None
        node = self._graph.index_of.get(selector[0])
        return selector if node is not None and self._ended[node] == WAITING else None

    def advance(self) -> list[Emission]:
        """Everything that has become visible since the last call."""
        while True:
            if self._active is None:
                if not self._waiting:
                    break
                self._active = self._waiting.popleft()
                self._active.began = self.visible_length
            if not self._speak(self._active):
                break
            self._active = None
        emitted, self._emitted = self._emitted, []
        return emitted

    def snapshot(self) -> CoordinatorSnapshot:
        active = self._active
        return CoordinatorSnapshot(
            opened=sorted(self._open),
            ended=list(self._ended),
            streams=list(self._streams.items()),
            spoken=list(self._spoken.items()),
            waiting=[_saved(session) for session in self._waiting],
            active=None if active is None else _saved(active),
            visible_length=self.visible_length,
        )

    def restore(self, saved: CoordinatorSnapshot) -> None:
        """Become the coordinator, of the same plan, that `saved` was taken of."""
        self._open = set(saved.opened)
        self._ended = bytearray(saved.ended)
        self._streams = dict(saved.streams)
        self._spoken = dict(saved.spoken)
        self._waiting = deque(self._session(each) for each in saved.waiting)
        self._active = None if saved.active is None else self._session(saved.active)
        self.visible_length = saved.visible_length

    def _session(self, saved: SessionSnapshot) -> _Session:
        segments = self._plan.templates[saved.node]
        return _Session(saved.node, segments, position=saved.position, began=saved.began)

    def _opened(self, nodes: "list[int] | tuple[int, ...]") -> None:
        self._open.update(nodes)
        fresh = [node for node in nodes if node in self._plan.templates]
        for node in sorted(fresh, key=lambda index: self._graph.nodes[index].id):
            self._waiting.append(_Session(node, self._plan.templates[node]))

    def _speak(self, session: _Session) -> bool:
        """Show what can be shown; True when the template is through."""
        while session.position < len(session.segments):
            segment = session.segments[session.position]
            final = session.position == len(session.segments) - 1
            if segment.selector is None:
                selector = (self._graph.nodes[session.node].id, "answer")
                self._emit(segment.text, selector, session.node, None, final=final)
            elif not self._show(session, segment.selector, final=final):
                return False
            session.position += 1
            session.began = self.visible_length
        return True

    def _show(self, session: _Session, selector: Selector, *, final: bool) -> bool:
        node = None if selector[0] in RUN_SCOPES else self._graph.index_of.get(selector[0])
        if node is not None:
            if self._ended[node] == SKIPPED:
                return True
            stream = self._streams.get(selector)
            if stream is not None:
                ended = self._ended[node] == DONE
                rest = stream[self._spoken.get(selector, 0) :]
                self._spoken[selector] = len(stream)
                self._emit(rest, selector, node, None, final=final and ended)
                return ended
            if self._ended[node] == WAITING:
                return False
        value = self._variables.get(selector)
        if isinstance(value, Missing):
            return False
        source = session.node if node is None else node
        self._emit(render_markdown(value), selector, source, None, final=final)
        return True

    def _emit(
        self, text: str, selector: Selector, node: int, generation: str | None, *, final: bool
    ) -> None:
        if not text:
            return
        self._emitted.append(
            Emission(
                from_offset=self.visible_length,
                text=text,
                node_id=self._graph.nodes[node].id,
                selector=selector,
                generation=generation,
                final=final,
            )
        )
        self.visible_length += len(text)

    def _current_selector(self) -> Selector | None:
        session = self._active
        if session is None or session.position >= len(session.segments):
            return None
        return session.segments[session.position].selector


def _saved(session: _Session) -> SessionSnapshot:
    return SessionSnapshot(node=session.node, position=session.position, began=session.began)
