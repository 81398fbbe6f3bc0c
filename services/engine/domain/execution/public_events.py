"""The journal as the world may see it: the one place where internal events become public ones."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, cast
from uuid import UUID

from pydantic import Field, TypeAdapter

from libs.common.contracts import run_events as public
from libs.common.identifiers import NodeExecutionIds
from services.engine.domain.events import journal
from services.engine.domain.execution.frame_paths import frame_path, is_within, rounds_of
from services.engine.domain.execution.public_forms import ShownForm, ShownForms
from services.engine.domain.execution.public_kinds import PUBLIC_EVENTS, PublicJournalEvent
from services.engine.domain.execution.public_text import ShownText
from services.engine.domain.graph.node_labels import NodeLabel
from services.engine.domain.variables.record import changed, record
from services.engine.domain.variables.secret_mask import SecretMask
from services.engine.domain.variables.values import Value

_PUBLIC: Final[frozenset[type[journal.JournalEvent]]] = frozenset(PUBLIC_EVENTS)
_CONTAINERS: Final = frozenset({"iteration", "loop"})

ToldEvent = dict[str, Value]
"""A `public.CommittedEvent` as the plain JSON that it travels as."""

_EVENTS: TypeAdapter[public.CommittedEvent] = TypeAdapter(
    Annotated[public.CommittedEvent, Field(discriminator="kind")]
)


@record
class _Begun:
    """`place` is what all events of the node say of it."""

    index: int
    predecessor: str | None
    place: ToldEvent
    rounds: int | None = None


@record
class BegunSnapshot:
    """A node under way, as its later events show it."""

    node_id: str
    frame: str
    index: int
    predecessor: str | None
    rounds: int | None = None


@record
class ViewSnapshot:
    """`PublicView` after one event. `length` is that of the visible text; `text` is empty where
    only later events are wanted."""

    begun: list[BegunSnapshot]
    forms: list[ShownForm]
    text: str
    length: int
    created_at: float
    last_seq: int


class PublicView:
    """A fold over one run's journal, from its first event, that yields the public events.

    `last_seq` is the newest public event's number (0 before the first), `text` the committed
    visible text so far. `mask` hides secrets in what nodes took and gave and in errors; the run's
    own outputs and text are the author's word. None: there is nothing to hide.
    """

    def __init__(
        self, run_id: UUID, labels: Mapping[str, NodeLabel], mask: SecretMask | None = None
    ) -> None:
        self._mask = mask
        self._ids = NodeExecutionIds(run_id)
        self._labels = labels
        self._begun: dict[tuple[str, str], _Begun] = {}
        self._forms = ShownForms(mask)
        self._shown = ShownText()
        self._created_at = 0.0
        self.last_seq = 0

    @property
    def text(self) -> str:
        return self._shown.text

    def snapshot(self, *, with_text: bool = True) -> ViewSnapshot:
        return ViewSnapshot(
            begun=[
                BegunSnapshot(
                    node_id=node_id,
                    frame=frame,
                    index=begun.index,
                    predecessor=begun.predecessor,
                    rounds=begun.rounds,
                )
                for (node_id, frame), begun in self._begun.items()
            ],
            forms=self._forms.snapshot(),
            text=self.text if with_text else "",
            length=self._shown.length,
            created_at=self._created_at,
            last_seq=self.last_seq,
        )

    def restore(self, saved: ViewSnapshot) -> None:
        """In place of the events that `saved` stands for. The view is new."""
        self._begun = {
            (each.node_id, each.frame): self._begins(
                each.node_id, each.frame, each.index, each.predecessor, rounds=each.rounds
            )
            for each in saved.begun
        }
        self._forms.restore(saved.forms)
        self._shown = ShownText(saved.text, saved.length)
        self._created_at, self.last_seq = saved.created_at, saved.last_seq

    def map(self, seq: int, event: journal.JournalEvent) -> public.CommittedEvent | None:
        """The public event at journal position `seq`, None for an internal one."""
        told = self.tell(seq, event)
        return None if told is None else _EVENTS.validate_python(told)

    def tell(self, seq: int, event: journal.JournalEvent) -> ToldEvent | None:
        """The same as plain JSON, for whoever sends it on: a run's driver makes thousands."""
        if type(event) not in _PUBLIC:
            if type(event) is journal.FrameFinished and event.error is not None:
                self._forget_round(event)
            return None
        told = self._told(cast("PublicJournalEvent", event))
        if self._mask is not None:
            _hide(told, self._mask)
        told["seq"] = seq
        told["prev"] = self.last_seq
        told["at"] = event.at
        told["offset"] = self._shown.length
        told["version"] = 1
        self.last_seq = seq
        return told

    def _told(self, event: PublicJournalEvent) -> ToldEvent:
        match event:
            # The most frequent first: each case before them costs all of them.
            case journal.NodeStarted():
                return self._node_started(event)
            case journal.NodeSucceeded() | journal.NodeFailed():
                return self._node_finished(event)
            case journal.ContainerStarted():
                return self._container_started(event)
            case journal.FrameStarted():
                return self._round_started(event)
            case journal.NodeRetryScheduled():
                return self._node_retrying(event)
            case journal.RunStarted():
                self._created_at = event.at
                return {
                    "kind": "run_started",
                    "workflow_hash": event.workflow_hash,
                    "inputs": event.inputs,
                    "reason": "initial",
                }
            case journal.FormOpened() | journal.FormClosed():
                return self._form_event(event)
            case journal.RunParked():
                return self._run_parked(event)
            case journal.RunResumed():
                return {"kind": "run_resumed"}
            case journal.RunFinished():
                return self._run_finished(event)
            case journal.GenerationStarted() | journal.TextCommitted() | journal.TextReplaced():
                return self._shown.tell(event)

    def _node_started(self, event: journal.NodeStarted) -> ToldEvent:
        begun = self._begins(event.node_id, event.frame, event.index, event.predecessor)
        self._begun[event.node_id, event.frame] = begun
        return {"kind": "node_started", **begun.place}

    def _container_started(self, event: journal.ContainerStarted) -> ToldEvent:
        begun = changed(self._of(event.node_id, event.frame), rounds=event.length)
        self._begun[event.node_id, event.frame] = begun
        inputs: dict[str, Value] = {"loop_count": event.length}
        if event.container == "iteration":
            inputs = {"iterator_selector": event.items}
        return {
            "kind": f"{event.container}_started",
            **_after(begun),
            "length": event.length,
            "inputs": inputs,
        }

    def _round_started(self, event: journal.FrameStarted) -> ToldEvent:
        place = _after(self._of(event.node_id, event.frame))
        return {"kind": f"{event.container}_next", **place, "round": event.index}

    def _forget_round(self, event: journal.FrameFinished) -> None:
        """What was under way in a round that failed will never be heard of again."""
        path = frame_path(event.frame, event.node_id, event.index)
        for node_id, frame in [each for each in self._begun if is_within(each[1], path)]:
            del self._begun[node_id, frame]
        self._forms.forget(path)

    def _form_event(self, event: journal.FormOpened | journal.FormClosed) -> ToldEvent:
        place = _after(self._of(event.node_id, event.frame))
        if isinstance(event, journal.FormOpened):
            return {**place, **self._forms.opened(event, str(place["title"]))}
        return {**place, **self._forms.closed(event)}

    def _run_parked(self, event: journal.RunParked) -> ToldEvent:
        return {
            "kind": "run_paused",
            "reason": event.reason,
            "forms": self._forms.all(),
            "elapsed_seconds": max(event.at - self._created_at, 0.0),
            "total_tokens": event.total_tokens,
            "total_steps": event.total_steps,
            "created_at": self._created_at,
        }

    def _node_finished(self, event: journal.NodeSucceeded | journal.NodeFailed) -> ToldEvent:
        failed = None if isinstance(event, journal.NodeSucceeded) else event
        begun = self._of(event.node_id, event.frame)
        self._begun.pop((event.node_id, event.frame), None)
        told: ToldEvent = {
            "kind": "node_finished",
            **begun.place,
            "rounds": begun.rounds,
            "status": _node_status(failed),
            "inputs": event.inputs,
            "process_data": event.process_data,
            "outputs": event.outputs,
            "error": failed.error if failed else None,
            "error_type": failed.error_type if failed else None,
            "started_at": event.started_at,
            "elapsed_seconds": max(event.at - event.started_at, 0.0),
            "metadata": event.metadata,
        }
        if event.taken_from is not None:
            told["taken_from"] = event.taken_from
        return told

    def _node_retrying(self, event: journal.NodeRetryScheduled) -> ToldEvent:
        return {
            "kind": "node_retrying",
            **_after(self._of(event.node_id, event.frame)),
            "retry_index": event.attempt + 1,
            "error": event.error,
            "error_type": event.error_type,
            "wait_seconds": max(event.due - event.at, 0.0),
            "inputs": event.inputs,
            "started_at": event.started_at,
        }

    def _run_finished(self, event: journal.RunFinished) -> ToldEvent:
        return {
            "kind": "run_finished",
            "status": event.status,
            "outputs": event.outputs,
            "error": event.error,
            "elapsed_seconds": max(event.at - self._created_at, 0.0),
            "total_tokens": event.total_tokens,
            "total_steps": event.total_steps,
            "exceptions_count": event.exceptions_count,
            "usage": event.usage,
            "created_at": self._created_at,
        }

    def _begins(
        self,
        node_id: str,
        frame: str,
        index: int,
        predecessor: str | None,
        *,
        rounds: int | None = None,
    ) -> _Begun:
        label = self._labels.get(node_id) or NodeLabel(type="", title=node_id)
        place: ToldEvent = {
            "execution_id": self._ids.of(node_id, frame, 0),
            "node_id": node_id,
            "node_type": label.type,
            "title": label.title,
            "index": index,
            "predecessor_node_id": predecessor,
            "frame_path": frame,
        }
        if frame:
            place.update(self._around(frame))
        return _Begun(index=index, predecessor=predecessor, place=place, rounds=rounds)

    def _around(self, frame: str) -> ToldEvent:
        """The innermost iteration and loop that `frame` lies in."""
        found: ToldEvent = {}
        for container, index in rounds_of(frame):
            label = self._labels.get(container)
            if label is not None and label.type in _CONTAINERS:
                found[f"{label.type}_id"], found[f"{label.type}_index"] = container, index
        return found

    def _of(self, node_id: str, frame: str) -> _Begun:
        known = self._begun.get((node_id, frame))
        return known if known is not None else self._begins(node_id, frame, 0, None)


def _after(begun: _Begun) -> ToldEvent:
    """What the events between a node's start and its end say of it."""
    place = begun.place.copy()
    del place["predecessor_node_id"]
    return place


def _hide(told: ToldEvent, mask: SecretMask) -> None:
    error = told.get("error")
    if isinstance(error, str):
        told["error"] = mask.text(error)
    if "execution_id" not in told and not (mask.inputs_too and told["kind"] == "run_started"):
        return
    for field in ("inputs", "process_data", "outputs"):
        values = told.get(field)
        if isinstance(values, dict):
            told[field] = mask.values(values)


def _node_status(failed: journal.NodeFailed | None) -> Literal["succeeded", "failed", "exception"]:
    if failed is None:
        return "succeeded"
    return "failed" if failed.handled == "none" else "exception"
