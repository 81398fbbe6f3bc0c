"""Runs that call others: rule by rule and at random."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.engine.domain.events import journal
from services.engine.domain.execution.effect_keys import child_run_id
from services.engine.domain.execution.run_machine import DEADLINE
from tests.unit.engine.execution.calling_world import CALL, CallingWorld, with_children
from tests.unit.engine.execution.container_graphs import contained, iteration
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.parked_world import form
from tests.unit.engine.execution.random_graphs import random_graph
from tests.unit.engine.execution.simulated_world import RUN, TENANT, ended, run_to_end

Randoms = st.integers(0, 2**32).map(Random)
BEGIN: dict[str, Any] = {"type": "begin"}


def key(node: str, frame: str = "-", attempt: int = 0) -> str:
    return f"{TENANT}/{RUN}/{node}/{frame}/{attempt}/0"


def _begun(nodes: dict[str, Any], *edges: str, max_steps: int = 500) -> CallingWorld:
    world = CallingWorld(workflow({"s": BEGIN, **nodes}, edges))
    world.begin(max_steps)
    return world


def test_a_run_that_waits_for_a_child_alone_rests_in_silence_and_without_a_limit() -> None:
    world = _begun({"c": CALL}, "s > c")
    assert world.rests is None
    world.happen(f"accept {key('c')}")
    assert world.rests == []
    assert world.names()[-1] == "ChildStarted"


def test_a_child_may_end_before_its_caller_knows_that_it_was_accepted() -> None:
    world = _begun({"c": CALL}, "s > c")
    world.accept(key("c"))
    world.crash()
    assert [*world.calling] == [key("c")]
    world.end(key("c"), total_steps=4)
    assert ended(world).status == "succeeded"
    assert world.names().count("ChildStarted") == 1
    assert world.machine.state.totals.child_steps == 4


def test_what_children_take_counts_for_their_caller() -> None:
    world = _begun({"c": CALL, "z": {"type": "pass"}}, "s > c", "c > z", max_steps=10)
    assert world.machine.left(world.now).max_steps == 8
    world.happen(f"accept {key('c')}")
    world.end(key("c"), total_steps=8)
    assert ended(world).error == "Maximum execution steps exceeded: 11 > 10"


def test_people_that_a_child_waited_for_cost_its_caller_no_time() -> None:
    world = _begun({"c": CALL, "m": {"type": "compute"}}, "s > c", "c > m")
    world.happen(f"accept {key('c')}")
    world.now = 50_000.0
    world.end(key("c"), waited_seconds=49_000.0)
    world.crash()
    assert world.timers[DEADLINE] == 1200.0 + 49_000.0


def test_each_attempt_is_another_run() -> None:
    again = {"retry_config": {"retry_enabled": True, "max_retries": 1, "retry_interval": 1}}
    world = _begun({"c": {**CALL, **again}}, "s > c")
    (first,) = world.calling.values()
    world.happen(f"accept {key('c')}")
    world.end(key("c"), status="failed", error="no")
    assert not world.calling
    (retry,) = [timer for timer in world.timers if timer != DEADLINE]
    world.happen(retry)
    (child,) = world.calling.values()
    assert child.child_run_id == child_run_id(RUN, key("c", attempt=1))
    assert child.child_run_id != first.child_run_id
    assert child.child_run_id.int >> 80 == RUN.int >> 80


def test_the_end_of_a_run_stops_its_children_also_one_that_nobody_knows_to_be_there() -> None:
    world = _begun({"a": CALL, "b": CALL}, "s > a", "s > b")
    world.happen(f"accept {key('a')}")
    world.accept(key("b"))
    world.crash()
    world.stop()
    assert ended(world).status == "stopped"
    assert set(world.stopped) == {child_run_id(RUN, key(node)) for node in "ab"}


def test_a_round_that_fails_stops_its_children() -> None:
    nodes = {
        "s": BEGIN,
        "g": {"type": "give", "list": ["x"]},
        "it": iteration("f.result", error_handle_mode="continue-on-error"),
        "b": {"type": "nap"},
        "c": {"type": "broken"},
        "f": CALL,
    }
    world = CallingWorld(
        contained(nodes, ["s > g", "g > it", "itstart > b", "b > c", "itstart > f"])
    )
    world.begin()
    world.happen(f"accept {key('f', 'it:0')}")
    world.happen(key("b", "it:0"))
    assert world.stopped == [child_run_id(RUN, key("f", "it:0"))]
    assert ended(world).status == "partial-succeeded"


def test_a_paused_run_keeps_its_childs_end_until_it_goes_on() -> None:
    world = _begun({"c": CALL, "z": {"type": "pass"}}, "s > c", "c > z")
    world.pause()
    assert world.rests is None
    world.happen(f"accept {key('c')}")
    assert world.rests == []
    world.crash()
    world.end(key("c"))
    assert world.rests == []
    world.go_on()
    assert ended(world).status == "succeeded"


def test_people_and_children_are_waited_for_side_by_side() -> None:
    world = _begun({"f": form(), "c": CALL, "z": {"type": "pass"}}, "s > f", "s > c", "c > z")
    world.happen(f"store {key('f')}")
    assert world.rests is None
    world.happen(f"accept {key('c')}")
    assert world.rests == []
    world.crash()
    world.end(key("c"))
    assert world.rests == []
    world.answer(key("f"))
    assert ended(world).status == "succeeded"


@settings(max_examples=100, deadline=None)
@given(Randoms, Randoms, Randoms)
def test_crashes_change_nothing_of_what_children_bring(
    shape: Random, first: Random, second: Random
) -> None:
    graph = with_children(random_graph(shape, fatal=False))
    whole = CallingWorld(graph.compiled(), graph.fails)
    whole.begin()
    run_to_end(whole, first.choice)
    world = CallingWorld(graph.compiled(), graph.fails)
    world.begin()
    for _ in range(10_000):
        if world.finished:
            break
        chance, moves = second.random(), world.moves()
        if chance < 0.1 and world.calling:
            world.accept(second.choice([*world.calling]))
            world.crash()
        elif chance < 0.3:
            world.crash()
        else:
            world.happen(second.choice(moves))
    assert ended(world).status == ended(whole).status
    assert ended(world).exceptions_count == ended(whole).exceptions_count
    called = [e.key for e in world.events if isinstance(e, journal.ChildStarted)]
    assert sorted(called) == sorted(set(called))
    fixed = [node for node, data in graph.nodes.items() if data["type"] != "show"]
    ends = [each.machine.state.pool for each in (whole, world)]
    assert all(ends[0].names(node) == ends[1].names(node) for node in fixed)
