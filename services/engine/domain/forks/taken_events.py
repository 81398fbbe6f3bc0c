"""What a new run's journal holds of the run that it begins from."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from services.engine.domain.events import journal
from services.engine.domain.execution.frame_paths import rounds_of
from services.engine.domain.variables.record import changed
from services.engine.domain.variables.values import Value

EndedNode = journal.NodeSucceeded | journal.NodeFailed

_PLACED = (
    journal.NodeStarted,
    journal.ContainerStarted,
    journal.FrameStarted,
    journal.FrameFinished,
    journal.NodeRetryScheduled,
    journal.NodeRetried,
    journal.VariableUpdated,
    journal.NodeSucceeded,
    journal.NodeFailed,
)
_MODEL = "model"
_AS_IT_WAS: Mapping[str, Value] = {}
OF_THE_RUN = ""
"""Stands for a node where an event is not one's."""


def story(events: Sequence[journal.JournalEvent]) -> Iterator[tuple[str, journal.JournalEvent]]:
    """The events of `events` that a run which begins from them may hold, in order, each with the
    node of the run's own frame that it belongs to.

    What nodes asked of the world stays with the run that asked, save which text its models showed,
    as text is shown once and by whoever reaches it first. All other text follows from the rest.
    """
    asked: dict[str, journal.EffectDispatched] = {}
    for event in events:
        match event:
            case journal.EffectDispatched():
                asked[event.key] = event
            case journal.EffectCompleted(visible=str(), key=key) if key in asked:
                node = _outermost(asked[key])
                yield node, asked[key]
                yield node, changed(event, result=None)
            case journal.CommandApplied(command="update_variables"):
                yield OF_THE_RUN, event
            case _ if isinstance(event, _PLACED):
                yield _outermost(event), event
            case _:
                pass


def is_told(event: journal.JournalEvent) -> bool:
    """Whether `story` looks at the event at all."""
    match event:
        case journal.EffectDispatched():
            return event.effect_class == _MODEL
        case journal.EffectCompleted():
            return event.visible is not None
        case journal.CommandApplied():
            return event.command == "update_variables"
        case _:
            return isinstance(event, _PLACED)


def ended_nodes(events: Sequence[journal.JournalEvent]) -> dict[str, EndedNode]:
    """The nodes of the run's own frame behind which the run went on, in the order of their ends."""
    return {
        event.node_id: event
        for event in events
        if (isinstance(event, journal.NodeSucceeded) and not event.frame)
        or (isinstance(event, journal.NodeFailed) and not event.frame and event.handled != "none")
    }


def taken_events(
    events: Sequence[journal.JournalEvent],
    *,
    origin: str,
    taken: Collection[str],
    outputs: Mapping[str, Mapping[str, Value]],
) -> list[journal.JournalEvent]:
    """What `events`, the journal of the run `origin`, say of the nodes `taken`, as the new run
    tells it: starts are numbered behind its first node, and `outputs` replace recorded ones."""
    found: list[journal.JournalEvent] = []
    index = 1
    for node, event in story(events) if taken else ():
        if node != OF_THE_RUN and node not in taken:
            continue
        match event:
            case journal.EffectDispatched() | journal.EffectCompleted() if node in outputs:
                # Its text is what is given for it now.
                pass
            case journal.NodeStarted():
                index += 1
                found.append(changed(event, index=index))
            case journal.NodeSucceeded() | journal.NodeFailed():
                edited = outputs.get(event.node_id, _AS_IT_WAS)
                found.append(
                    changed(
                        event,
                        taken_from=event.taken_from or origin,
                        outputs=event.outputs if event.frame else {**event.outputs, **edited},
                    )
                )
            case _:
                found.append(event)
    return found


def _outermost(event: "journal.EffectDispatched | _Placed") -> str:
    return rounds_of(event.frame)[0][0] if event.frame else event.node_id


_Placed = (
    journal.NodeStarted
    | journal.ContainerStarted
    | journal.FrameStarted
    | journal.FrameFinished
    | journal.NodeRetryScheduled
    | journal.NodeRetried
    | journal.VariableUpdated
    | EndedNode
)
