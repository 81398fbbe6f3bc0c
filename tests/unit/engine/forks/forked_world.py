"""A run, and the runs that begin from it, in the machine's simulated world."""

from collections.abc import Mapping

from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.opening import Opening
from services.engine.domain.forks.plan_fork import ForkOutline, ForkPlanner
from services.engine.domain.forks.taken_events import taken_events
from services.engine.domain.variables.values import Value
from tests.unit.engine.execution.simulated_world import Fails, World, never

ORIGIN = "00000000-0000-7000-8000-00000000000f"


def outline_of(
    origin: World, from_node: str | None, wanted: CompiledWorkflow | None = None
) -> ForkOutline:
    workflow = wanted or origin.workflow
    return ForkPlanner(origin.events, origin.workflow, workflow, from_node).plan()


def forked(
    origin: World,
    from_node: str | None,
    *,
    wanted: CompiledWorkflow | None = None,
    fails: Fails = never,
    outputs: Mapping[str, Mapping[str, Value]] | None = None,
) -> World:
    """The fork after its first step."""
    taken = list(outline_of(origin, from_node, wanted).taken)
    told = journal.HistoryTaken(at=0.0, origin=ORIGIN, from_node=from_node, taken=taken, edited={})
    events = taken_events(origin.events, origin=ORIGIN, taken=taken, outputs=outputs or {})
    world = World(wanted or origin.workflow, fails)
    world.begin(opening=Opening(facts=[told], taken=events))
    return world


def taken_nodes(world: World) -> list[str]:
    """Ids of the run's own frame, in the order of their ends."""
    return [
        event.node_id
        for event in world.events
        if isinstance(event, journal.NodeSucceeded | journal.NodeFailed)
        and event.taken_from
        and not event.frame
    ]


def started_nodes(world: World) -> list[str]:
    return [
        event.node_id
        for event in world.events
        if isinstance(event, journal.NodeStarted) and not event.frame
    ]


def text_of(world: World) -> str:
    """The visible text as the journal tells it."""
    text = ""
    for event in world.events:
        if isinstance(event, journal.TextReplaced):
            text = text[: event.from_offset]
        elif isinstance(event, journal.TextCommitted):
            text = text[: event.from_offset] + event.text
    return text
