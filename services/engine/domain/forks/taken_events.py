"""What a new run's journal holds of the run that it begins from."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from services.engine.domain.events import journal
from services.engine.domain.execution.frame_paths import rounds_of
from services.engine.domain.variables.values import Value

EndedNode = journal.NodeSucceeded | journal.NodeFailed
PlacedEvent = (
    journal.NodeStarted
    | journal.ContainerStarted
    | journal.FrameStarted
    | journal.FrameFinished
    | journal.NodeRetryScheduled
    | journal.NodeRetried
    | journal.VariableUpdated
    | EndedNode
)
"""Events that tell of a node's course. What it asked of the world stays with the run that asked,
and text follows from the rest."""

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

_AS_IT_WAS: Mapping[str, Value] = {}


def is_placed(event: journal.JournalEvent) -> bool:
    """Whether the event tells of a node's course."""
    return isinstance(event, _PLACED)


def placed_events(events: Sequence[journal.JournalEvent]) -> Iterator[tuple[str, PlacedEvent]]:
    """Events of nodes in order, with the node of the run's own frame that they belong to."""
    for event in events:
        if isinstance(event, _PLACED):
            yield (rounds_of(event.frame)[0][0] if event.frame else event.node_id), event


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
    for outermost, event in placed_events(events):
        if outermost not in taken:
            continue
        match event:
            case journal.NodeStarted():
                index += 1
                found.append(replace(event, index=index))
            case journal.NodeSucceeded() | journal.NodeFailed():
                edited = outputs.get(event.node_id, _AS_IT_WAS)
                found.append(
                    replace(
                        event,
                        taken_from=event.taken_from or origin,
                        outputs=event.outputs if event.frame else {**event.outputs, **edited},
                    )
                )
            case _:
                found.append(event)
    return found
