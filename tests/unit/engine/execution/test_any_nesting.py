"""Branches, joins, failures and containers at once, in whatever order the world answers."""

from collections import Counter
from collections.abc import Callable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.engine.domain.events import journal
from services.engine.domain.execution.frame_paths import frame_path, is_within
from services.engine.infra.journal_codec import decode, encode
from tests.unit.engine.execution.nested_graphs import NestedGraph, nested_graph
from tests.unit.engine.execution.simulated_world import World, ended, run_to_end
from tests.unit.engine.execution.strict_reader import StrictReader

Randoms = st.integers(0, 2**32).map(Random)
Place = tuple[str, str]


def _ran(graph: NestedGraph, choose: Callable[[list[str]], str], **more: object) -> World:
    world = World(graph.compiled(**more), graph.fails)
    world.begin()
    if not world.finished:
        run_to_end(world, choose)
    return world


def _places(world: World, *kinds: type[journal.JournalEvent]) -> Counter[Place]:
    return Counter(
        (event.node_id, event.frame)
        for event in world.events
        if isinstance(event, kinds)
        and isinstance(event, journal.NodeStarted | journal.NodeSucceeded | journal.NodeFailed)
    )


@settings(max_examples=150, deadline=None)
@given(Randoms, Randoms)
def test_no_schedule_loses_or_doubles_a_node(shape: Random, schedule: Random) -> None:
    world = _ran(nested_graph(shape, failing=0.2), schedule.choice)
    started = _places(world, journal.NodeStarted)
    over = _places(world, journal.NodeSucceeded, journal.NodeFailed)
    assert set(started.values()) <= {1}
    assert set(over.values()) <= {1}
    broken = [
        frame_path(event.frame, event.node_id, event.index)
        for event in world.events
        if isinstance(event, journal.FrameFinished) and event.error is not None
    ]
    left = started - over
    # What was under way in a round that failed is given up with it; nothing else is.
    assert all(any(is_within(frame, path) for path in broken) for _, frame in left)
    assert over - started == Counter()
    assert ended(world).total_steps >= len(started)
    assert not world.machine.state.active


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, Randoms)
def test_the_order_of_answers_changes_no_output_of_a_node(
    shape: Random, first: Random, second: Random
) -> None:
    graph = nested_graph(shape, failing=0.2, mode="continue-on-error")
    _assert_same(graph, _ran(graph, first.choice), _ran(graph, second.choice))


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, Randoms, st.sampled_from(["continue-on-error", "remove-abnormal-output"]))
def test_parallel_rounds_leave_what_sequential_ones_leave(
    shape: Random, first: Random, second: Random, mode: str
) -> None:
    graph = nested_graph(shape, failing=0.2, mode=mode)
    one = _ran(graph, first.choice, is_parallel=False)
    _assert_same(graph, one, _ran(graph, second.choice, is_parallel=True, parallel_nums=3))


@settings(max_examples=150, deadline=None)
@given(Randoms, Randoms, st.data())
def test_any_prefix_of_the_journal_leads_to_the_same_end(
    shape: Random, schedule: Random, data: st.DataObject
) -> None:
    """The world asserts that no recorded call is sent again."""
    graph = nested_graph(shape, failing=0.2, fatal=True)
    whole = _ran(graph, schedule.choice)
    kept = data.draw(st.integers(1, len(whole.events)), label="events kept")
    world = World(graph.compiled(), graph.fails, events=decode(encode(whole.events[:kept])))
    world.finished = isinstance(world.events[-1], journal.RunFinished)
    world.crash()
    turn = {move: place for place, move in enumerate(whole.order)}
    if not world.finished:
        run_to_end(world, lambda moves: min(moves, key=lambda move: turn.get(move, len(turn))))
    before, after = ended(whole), ended(world)
    assert (after.status, after.outputs, after.error) == (
        before.status,
        before.outputs,
        before.error,
    )
    assert (after.exceptions_count, after.total_steps, after.total_tokens) == (
        before.exceptions_count,
        before.total_steps,
        before.total_tokens,
    )
    assert world.view.text == whole.view.text


@settings(max_examples=60, deadline=None)
@given(Randoms, Randoms)
def test_crashing_before_every_answer_changes_nothing(shape: Random, schedule: Random) -> None:
    graph = nested_graph(shape, failing=0.2, fatal=True)
    whole = _ran(graph, schedule.choice)
    world = World(graph.compiled(), graph.fails)
    world.begin()
    for move in whole.order:
        world.crash()
        # What was given up with its round may still be answered, and changes nothing.
        if move in world.moves():
            world.happen(move)
    kinds = [type(event).__name__ for event in whole.events]
    assert [type(event).__name__ for event in world.events] == kinds
    assert (ended(world).outputs, world.view.text) == (ended(whole).outputs, whole.view.text)


@settings(max_examples=60, deadline=None)
@given(Randoms, Randoms)
def test_a_reader_is_never_lied_to(shape: Random, schedule: Random) -> None:
    graph = nested_graph(shape, failing=0.2, fatal=True)
    world = World(graph.compiled(), graph.fails)
    world.begin()
    for _ in range(10_000):
        if world.finished:
            break
        speakers, chance = world.speakers(), schedule.random()
        if speakers and chance < 0.5:
            world.speak(schedule.choice(speakers), schedule.randrange(1, 40))
        elif speakers and chance < 0.6:
            world.lose(schedule.choice(speakers))
        elif chance < 0.65:
            world.crash()
        elif chance < 0.66:
            world.stop()
        else:
            world.happen(schedule.choice(world.moves()))
    assert world.finished
    reader = StrictReader()
    for event in world.wire:
        reader.hear(event)
    assert reader.text == world.view.text


def _assert_same(graph: NestedGraph, one: World, other: World) -> None:
    assert ended(one).status == ended(other).status
    pools = one.machine.state.pool, other.machine.state.pool
    for node in graph.settled():
        for name in ("output", "text", "loop_round", "results"):
            assert pools[0].names(node).get(name) == pools[1].names(node).get(name), node
