"""Forks of random runs: every node is taken over or executed, never both; nothing is done twice."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.engine.domain.events import journal
from tests.unit.engine.execution.container_graphs import random_containers
from tests.unit.engine.execution.random_graphs import RandomGraph, random_graph
from tests.unit.engine.execution.simulated_world import World, ended, place_of, run_to_end
from tests.unit.engine.forks.forked_world import (
    forked,
    outline_of,
    started_nodes,
    taken_nodes,
    text_of,
)

Randoms = st.integers(0, 2**32).map(Random)


def _ran(graph: RandomGraph, schedule: Random) -> World:
    world = World(graph.compiled(), graph.fails)
    world.begin()
    run_to_end(world, schedule.choice)
    return world


@settings(max_examples=200, deadline=None)
@given(Randoms, Randoms, st.data())
def test_every_node_is_taken_over_or_executed_and_never_both(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    graph = random_graph(shape, fatal=True)
    origin = _ran(graph, schedule)
    chosen = data.draw(st.sampled_from(list(graph.nodes)), label="from")
    outline = outline_of(origin, chosen)
    executed = {each.node_id for each in outline.executed}
    assert not executed & set(outline.taken)
    assert chosen not in outline.taken

    fork = forked(origin, chosen, fails=graph.fails)
    run_to_end(fork, schedule.choice)
    assert sorted(taken_nodes(fork)) == sorted(outline.taken)
    started = started_nodes(fork)
    assert len(started) == len(set(started))
    assert set(started) - set(outline.taken) <= executed
    assert not {place_of(key)[0] for key in fork.calls} & set(outline.taken)


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms)
def test_a_fork_from_the_first_node_is_a_replay(shape: Random, schedule: Random) -> None:
    graph = random_graph(shape, fatal=True)
    origin = _ran(graph, schedule)
    both = [forked(origin, node, fails=graph.fails) for node in ("n0", None)]
    for world in both:
        run_to_end(world, lambda moves: moves[0])
    first, replay = ([e for e in w.events if not isinstance(e, journal.HistoryTaken)] for w in both)
    assert first == replay
    fresh = World(graph.compiled(), graph.fails)
    fresh.begin()
    run_to_end(fresh, lambda moves: moves[0])
    assert replay == fresh.events


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, st.data())
def test_a_fork_with_nothing_changed_ends_as_its_origin(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    graph = random_graph(shape, fatal=False)
    origin = _ran(graph, schedule)
    chosen = data.draw(st.sampled_from(sorted(graph.visited())), label="from")
    fork = forked(origin, chosen, fails=graph.fails)
    run_to_end(fork, schedule.choice)
    assert ended(fork).status == ended(origin).status
    assert ended(fork).exceptions_count == ended(origin).exceptions_count
    assert ended(fork).total_steps == ended(origin).total_steps
    assert sorted(started_nodes(fork)) == sorted(started_nodes(origin))
    # What a response shows may come from a neighbour, which has or has not ended by then.
    fixed = [node for node, each in graph.nodes.items() if each["type"] != "show"]
    pools = [world.machine.state.pool for world in (origin, fork)]
    assert all(pools[0].names(node) == pools[1].names(node) for node in fixed)


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, st.data())
def test_any_prefix_of_a_forks_journal_leads_to_the_same_end(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    """The world asserts that no recorded call is sent again."""
    graph = random_graph(shape, fatal=True)
    origin = _ran(graph, schedule)
    chosen = data.draw(st.sampled_from(list(graph.nodes)), label="from")
    whole = forked(origin, chosen, fails=graph.fails)
    first_step = len(whole.events)
    run_to_end(whole, schedule.choice)
    kept = data.draw(st.integers(first_step, len(whole.events)), label="events kept")
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
    assert (after.total_steps, after.total_tokens) == (before.total_steps, before.total_tokens)


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, st.data())
def test_containers_are_taken_over_with_all_that_happened_inside(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    made = random_containers(shape, failing=0.0)
    origin = World(made.compiled(), made.fails)
    origin.begin()
    run_to_end(origin, schedule.choice)
    outer = [node for node in made.nodes if node in origin.workflow.graph.index_of]
    reached = [node for node in outer if node in started_nodes(origin)]
    chosen = data.draw(st.sampled_from(reached), label="from")
    fork = forked(origin, chosen, fails=made.fails)
    run_to_end(fork, schedule.choice)
    assert ended(fork).status == ended(origin).status
    assert ended(fork).outputs == ended(origin).outputs
    assert text_of(fork) == text_of(origin)
    asked = {place_of(key)[0].partition("@")[2].partition(":")[0] for key in fork.calls}
    assert not asked & set(taken_nodes(fork))
