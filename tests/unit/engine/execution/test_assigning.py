"""Changes to variables inside a run: who sees them, when text waits, what is journalled."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.engine.domain.events import journal
from services.engine.domain.variables.values import Value
from tests.unit.engine.execution.container_graphs import (
    Nodes,
    assigner,
    contained,
    iteration,
    loop,
)
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import World, ended, run_to_end

BEGIN: dict[str, Any] = {"type": "begin"}
NAP: dict[str, Any] = {"type": "nap"}


def _kept() -> dict[str, Value]:
    return {"seen": 0, "said": []}


def _show(*parts: str) -> dict[str, Any]:
    return {"type": "show", "shows": list(parts)}


def _ran(nodes: Nodes, *edges: str) -> World:
    world = World(contained(nodes, [*edges]))
    world.begin(conversation=_kept())
    if not world.finished:
        run_to_end(world, lambda moves: moves[0])
    return world


def _updates(world: World) -> list[tuple[str, str, object]]:
    return [
        (event.frame, ".".join(event.selector), event.value)
        for event in world.events
        if isinstance(event, journal.VariableUpdated)
    ]


def test_what_follows_sees_the_change_and_the_journal_has_it_before_the_success() -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "as": assigner(("conversation.seen", "+=", 2)),
        "c": {"type": "copy", "of": "conversation.seen"},
    }
    world = _ran(nodes, "s > as", "as > c")
    kinds = [type(event).__name__ for event in world.events]
    assert kinds[kinds.index("VariableUpdated") + 1] == "NodeSucceeded"
    assert world.machine.state.pool.get(("c", "text")) == 2


def test_rounds_of_a_loop_see_what_the_round_before_them_left() -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "lp": loop(3, {"i": 1}),
        "as": assigner(("lp.i", "*=", 3), ("conversation.seen", "+=", 1)),
        "c": {"type": "copy", "of": "lp.i"},
    }
    world = _ran(nodes, "s > lp", "lpstart > as", "lp > c")
    pool = world.machine.state.pool
    assert pool.get(("lp", "i")) == pool.get(("c", "text")) == 27
    assert pool.get(("conversation", "seen")) == 3
    assert [value for _, name, value in _updates(world) if name == "lp.i"] == [3, 9, 27]


def test_items_of_an_iteration_hand_conversation_variables_on() -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "g": {"type": "give", "list": ["a", "b"]},
        "it": iteration("as.nothing"),
        "as": assigner(("conversation.said", "append", "@it.item")),
        "c": {"type": "copy", "of": "conversation.said"},
    }
    world = _ran(nodes, "s > g", "g > it", "itstart > as", "it > c")
    assert world.machine.state.pool.get(("c", "text")) == ["a", "b"]
    assert [frame for frame, _, _ in _updates(world)] == ["it:0", "it:1"]


def test_a_variable_of_an_outer_loop_changed_in_an_iteration_stays_there() -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "lp": loop(1, {"i": 1}),
        "g": {"type": "give", "list": ["a"]},
        "it": iteration("c.text"),
        "as": assigner(("lp.i", "+=", 1)),
        "c": {"type": "copy", "of": "lp.i"},
    }
    world = _ran(nodes, "s > lp", "lpstart > g", "g > it", "itstart > as", "as > c")
    assert world.machine.state.pool.get(("it", "output")) == [2]
    assert world.machine.state.pool.get(("lp", "i")) == 1


def test_a_failed_assigner_leaves_everything_as_it_was() -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "as": assigner(("conversation.seen", "+=", 1), ("conversation.said", "+=", 1)),
    }
    world = _ran(nodes, "s > as")
    assert ended(world).status == "failed"
    assert _updates(world) == []
    assert world.machine.state.pool.get(("conversation", "seen")) == 0


@pytest.mark.parametrize(("size", "status"), [(100, "succeeded"), (204_801, "failed")])
def test_a_conversation_variable_is_bounded(size: int, status: str) -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "g": {"type": "give", "list": "x" * size},
        "as": assigner(("conversation.said", "append", "@g.list")),
    }
    world = _ran(nodes, "s > g", "g > as")
    assert ended(world).status == status
    if status == "failed":
        assert ended(world).error == (
            f"variable size {size + 4} exceeds limit 204800: conversation.said"
        )


def test_a_variable_of_a_loop_is_not() -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "g": {"type": "give", "list": "x" * 204_801},
        "lp": loop(1, {"i": "y"}),
        "as": assigner(("lp.i", "over-write", "@g.list")),
    }
    assert ended(_ran(nodes, "s > g", "g > lp", "lpstart > as")).status == "succeeded"


def _told(world: World) -> list[str]:
    told: list[str] = []
    for event in world.events:
        match event:
            case journal.TextCommitted():
                told.append(event.text)
            case journal.NodeSucceeded():
                told.append(f"-{event.node_id}")
            case _:
                pass
    return told


def test_text_waits_for_the_change_of_what_it_shows_and_for_no_other() -> None:
    nodes = {
        "s": BEGIN,
        "wait": NAP,
        "as": assigner(("conversation.seen", "+=", 1)),
        "reads": _show("seen ", "@conversation.seen"),
        "other": _show("other ", "@conversation.said"),
    }
    edges = ["s > wait", "wait > as", "as > reads", "as > other"]
    world = World(workflow(nodes, edges))
    world.begin(conversation=_kept())
    assert world.view.text == "other "
    run_to_end(world, lambda moves: moves[0])
    assert world.view.text == "other seen 1"
    assert _told(world)[-5:] == ["seen ", "1", "-as", "-reads", "-other"]


def test_the_part_of_a_variable_waits_as_the_whole_does() -> None:
    nodes = {
        "s": BEGIN,
        "wait": NAP,
        "as": assigner(("conversation.seen", "+=", 1)),
        "reads": _show("@conversation.seen.part", "never"),
        "and": _show("@conversation.seen"),
    }
    world = World(workflow(nodes, ["s > wait", "wait > as", "as > reads", "s > and"]))
    world.begin(conversation=_kept())
    assert world.view.text == "0"


def test_one_of_two_ways_to_the_text_is_enough() -> None:
    nodes = {
        "s": BEGIN,
        "fork": {"type": "fork", "choose": "no"},
        "as": assigner(("conversation.seen", "+=", 1)),
        "reads": _show("@conversation.seen"),
    }
    edges = ["s > fork", "fork:yes > as", "as > reads", "fork:no > reads"]
    world = World(workflow(nodes, edges))
    world.begin(conversation=_kept())
    assert world.view.text == "0"


Randoms = st.integers(0, 2**32).map(Random)


@settings(max_examples=60, deadline=None)
@given(Randoms)
def test_no_crash_makes_a_change_twice_or_loses_one(random: Random) -> None:
    nodes: Nodes = {
        "s": BEGIN,
        "lp": loop(4, {"i": 1}),
        "n": NAP,
        "as": assigner(("conversation.seen", "+=", 1), ("lp.i", "*=", 2)),
        "m": {"type": "compute"},
    }
    edges = ["s > lp", "lpstart > n", "n > as", "as > m"]
    world = World(contained(nodes, edges))
    world.begin(conversation=_kept())
    while not world.finished:
        if random.random() < 0.5:
            world.crash()
        world.happen(random.choice(world.moves()))
    changes = [(name, value) for _, name, value in _updates(world)]
    assert changes == [
        change
        for round_ in range(1, 5)
        for change in (("conversation.seen", round_), ("lp.i", 2**round_))
    ]
    assert world.machine.state.pool.get(("conversation", "seen")) == 4
