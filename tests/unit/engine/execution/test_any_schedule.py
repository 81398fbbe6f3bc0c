"""Whatever order the world answers in: no node is lost or doubled, and no crash changes the end."""

from collections.abc import Callable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.engine.domain.events import journal
from services.engine.domain.variables.record import fields_of
from tests.unit.engine.execution.random_graphs import RandomGraph, random_graph
from tests.unit.engine.execution.simulated_world import World, ended, run_to_end

Randoms = st.integers(0, 2**32).map(Random)


def _ran(graph: RandomGraph, choose: Callable[[list[str]], str]) -> World:
    world = World(graph.compiled(), graph.fails)
    world.begin()
    run_to_end(world, choose)
    return world


def _node_ids(world: World, *kinds: type[journal.JournalEvent]) -> list[str]:
    return [
        event.node_id
        for event in world.events
        if isinstance(event, kinds)
        and isinstance(event, journal.NodeStarted | journal.NodeSucceeded | journal.NodeFailed)
    ]


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms)
def test_every_node_whose_turn_comes_runs_once(shape: Random, schedule: Random) -> None:
    graph = random_graph(shape, fatal=False)
    world = _ran(graph, schedule.choice)
    finished = ended(world)
    started = _node_ids(world, journal.NodeStarted)
    over = _node_ids(world, journal.NodeSucceeded, journal.NodeFailed)
    assert sorted(started) == sorted(over) == sorted(graph.visited())
    assert finished.total_steps == len(started)
    assert finished.exceptions_count == graph.exceptions()
    assert finished.status == ("partial-succeeded" if graph.exceptions() else "succeeded")


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, Randoms)
def test_the_order_of_answers_changes_no_output_of_a_node(
    shape: Random, first: Random, second: Random
) -> None:
    graph = random_graph(shape, fatal=False)
    ends = [_ran(graph, order.choice).machine.state.pool for order in (first, second)]
    # What a response shows may come from a neighbour, which has or has not ended by then.
    fixed = [node for node, data in graph.nodes.items() if data["type"] != "show"]
    assert all(ends[0].names(node) == ends[1].names(node) for node in fixed)


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, st.data())
def test_any_prefix_of_the_journal_leads_to_the_same_end(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    """The world asserts that no recorded call is sent again."""
    graph = random_graph(shape, fatal=True)
    whole = _ran(graph, schedule.choice)
    kept = data.draw(st.integers(1, len(whole.events)), label="events kept")
    world = World(graph.compiled(), graph.fails, events=whole.events[:kept])
    world.finished = isinstance(world.events[-1], journal.RunFinished)
    world.crash()
    turn = {move: place for place, move in enumerate(whole.order)}
    run_to_end(world, lambda moves: min(moves, key=lambda move: turn.get(move, len(turn))))
    before, after = ended(whole), ended(world)
    assert (after.status, after.outputs, after.error) == (
        before.status,
        before.outputs,
        before.error,
    )
    assert after.exceptions_count == before.exceptions_count
    assert after.total_steps == before.total_steps
    assert after.total_tokens == before.total_tokens
    assert world.view.text == whole.view.text


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms)
def test_crashing_before_every_answer_changes_nothing(shape: Random, schedule: Random) -> None:
    graph = random_graph(shape, fatal=True)
    whole = _ran(graph, schedule.choice)
    world = World(graph.compiled(), graph.fails)
    world.begin()
    for move in whole.order:
        world.crash()
        world.happen(move)
    assert [_timeless(event) for event in world.events] == [
        _timeless(event) for event in whole.events
    ]


def _timeless(event: journal.JournalEvent) -> str:
    """Everything but the instants, which depend on how long things took."""
    fields = {
        name: value
        for name, value in fields_of(event).items()
        if name not in {"at", "due", "started_at"}
    }
    return f"{type(event).__name__} {fields}"
