"""Iterations and loops, rule by rule."""

from typing import Any

import pytest

from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.variables.values import Value
from tests.unit.engine.execution.container_graphs import (
    Nodes,
    breaks,
    contained,
    iterated,
    iteration,
    loop,
)
from tests.unit.engine.execution.simulated_world import World, ended, in_order

COPIES: Nodes = {"x": {"type": "copy", "of": "it.item"}}
ASKS: Nodes = {"x": {"type": "ask"}}
INTO_X = ["itstart > x"]


def _output(world: World, container: str = "it", name: str = "output") -> Value:
    return world.machine.state.pool.names(container).get(name, "(absent)")


def _kinds(world: World) -> list[str]:
    return [type(event).__name__ for event in world.events]


def test_an_iteration_gives_each_item_a_round_and_keeps_their_order() -> None:
    world = in_order(iterated(COPIES, INTO_X, ["a", "b", "c"]))
    assert _output(world) == ["a", "b", "c"]
    assert ended(world).status == "succeeded"
    started = [e for e in world.events if isinstance(e, journal.NodeStarted) and e.node_id == "x"]
    assert [event.frame for event in started] == ["it:0", "it:1", "it:2"]
    assert ended(world).total_steps == 4 + 3


@pytest.mark.parametrize("items", [[], None])
def test_no_items_are_an_empty_list(items: list[Any] | None) -> None:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": items},
        "it": iteration("x.text"),
        **COPIES,
    }
    world = in_order(contained(nodes, ["s > g", "g > it", *INTO_X]))
    assert _output(world) == []
    assert ended(world).status == "succeeded"


def test_what_is_no_list_fails_the_iteration() -> None:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": "abc"},
        "it": iteration("x.text"),
        **COPIES,
    }
    world = in_order(contained(nodes, ["s > g", "g > it", *INTO_X]))
    assert ended(world).status == "failed"
    assert (ended(world).error or "").startswith("invalid iterator value")
    assert "ContainerStarted" not in _kinds(world)


def test_an_output_that_no_round_makes_is_null() -> None:
    world = in_order(iterated({"y": {"type": "pass"}}, ["itstart > y"], ["a", "b"]))
    assert _output(world) == [None, None]


def test_lists_are_flattened_one_level_and_nulls_dropped_unless_told_otherwise() -> None:
    items: list[Any] = [[1, [2]], None, [3]]
    assert _output(in_order(iterated(COPIES, INTO_X, items))) == [1, [2], 3]
    assert _output(in_order(iterated(COPIES, INTO_X, items, flatten_output=False))) == items
    assert _output(in_order(iterated(COPIES, INTO_X, [[1], 2]))) == [[1], 2]


def test_parallel_rounds_are_at_most_as_many_as_allowed() -> None:
    world = World(iterated(ASKS, INTO_X, [*range(5)], is_parallel=True, parallel_nums=2))
    world.begin()
    most = 0
    while not world.finished:
        most = max(most, len(world.moves()))
        world.happen(world.moves()[-1])
    assert most == 2
    output = _output(world)
    assert isinstance(output, list)
    assert [str(each)[:9] for each in output] == [f"<x@it:{n}-0" for n in range(5)]


def _second(node: str, _attempt: int, _call: int) -> bool:
    return node == "x@it:1"


@pytest.mark.parametrize(
    ("mode", "kept", "exceptions"), [("continue-on-error", 3, 1), ("remove-abnormal-output", 2, 1)]
)
def test_a_round_that_fails_is_left_out_or_null(mode: str, kept: int, exceptions: int) -> None:
    world = in_order(iterated(ASKS, INTO_X, [1, 2, 3], error_handle_mode=mode), _second)
    assert ended(world).status == "partial-succeeded"
    output = _output(world)
    assert isinstance(output, list)
    assert len(output) == kept
    assert (None in output) == (mode == "continue-on-error")
    assert ended(world).exceptions_count == exceptions


def test_a_terminated_iteration_lets_what_has_begun_end_and_keeps_it() -> None:
    compiled = iterated(ASKS, INTO_X, [*range(4)], is_parallel=True, parallel_nums=2)
    world = World(compiled, lambda node, _attempt, _call: node == "x@it:0")
    world.begin()
    world.happen(world.moves()[0])
    assert not world.finished
    world.happen(world.moves()[0])
    assert ended(world).status == "failed"
    assert ended(world).error == "refused"
    assert ended(world).exceptions_count == 2
    failed = [each for each in world.events if isinstance(each, journal.NodeFailed)]
    assert [each.node_id for each in failed] == ["x", "it"]
    assert failed[1].error_type == "UpstreamError"
    partial = failed[1].outputs["output"]
    assert isinstance(partial, list)
    assert [str(each)[:9] for each in partial] == ["<x@it:1-0"]


def test_a_failed_container_takes_its_error_strategy() -> None:
    body: Nodes = {**ASKS, "it": iteration("x.text", error_strategy="fail-branch")}
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": [1, 2]},
        **body,
        "well": {"type": "pass"},
        "ill": {"type": "pass"},
    }
    edges = ["s > g", "g > it", *INTO_X, "it:source > well", "it:fail-branch > ill"]
    world = in_order(contained(nodes, edges), _second)
    assert ended(world).status == "partial-succeeded"
    assert _output(world, "it", "error_message") == "refused"
    assert _output(world, "ill", "text") == "ill"
    assert _output(world, "well", "text") == "(absent)"


def test_a_container_that_fails_may_have_a_default() -> None:
    settings = {
        "error_strategy": "default-value",
        "default_value": [{"key": "output", "type": "array[string]", "value": '["d"]'}],
    }
    world = in_order(iterated(ASKS, INTO_X, [1, 2], **settings), _second)
    assert _output(world) == ["d"]
    assert ended(world).status == "partial-succeeded"


def test_a_node_inside_is_tried_again() -> None:
    retried = {"retry_enabled": True, "max_retries": 1, "retry_interval": 500}
    body: Nodes = {"x": {"type": "ask", "retry_config": retried}}
    world = in_order(
        iterated(body, INTO_X, [1, 2]),
        lambda node, attempt, _call: node == "x@it:1" and attempt == 0,
    )
    assert ended(world).status == "partial-succeeded"
    output = _output(world)
    assert isinstance(output, list)
    assert [str(each)[:11] for each in output] == ["<x@it:0-0-0", "<x@it:1-1-0"]


def test_a_round_that_fails_cancels_what_else_is_under_way_in_it() -> None:
    body: Nodes = {"x": {"type": "ask"}, "y": {"type": "compute"}, "z": {"type": "nap"}}
    edges = ["itstart > x", "itstart > y", "itstart > z"]
    compiled = iterated(body, edges, [1], error_handle_mode="continue-on-error")
    world = World(compiled, lambda node, _attempt, _call: node.startswith("y@"))
    world.begin()
    asked = next(move for move in world.moves() if "/x/" in move)
    world.happen(next(move for move in world.moves() if "/y/" in move))
    assert world.cancelled == [asked]
    assert ended(world).status == "partial-succeeded"
    assert _output(world) == [None]


def test_containers_lie_in_containers() -> None:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": [["a", "b"], ["c"]]},
        "it": iteration("inner.output", flatten_output=False),
        "inner": iteration("x.text", items="it.item"),
        "x": {"type": "copy", "of": "inner.item"},
    }
    edges = ["s > g", "g > it", "itstart > inner", "innerstart > x"]
    world = in_order(contained(nodes, edges))
    assert _output(world) == [["a", "b"], ["c"]]
    paths = {event.frame for event in world.events if isinstance(event, journal.NodeStarted)}
    assert {"it:0", "it:0,inner:1", "it:1,inner:0"} <= paths


def test_a_branch_inside_skips_in_its_own_round_only() -> None:
    body: Nodes = {
        "w": {"type": "switch", "of": "it.item"},
        "x": {"type": "pass"},
        "y": {"type": "pass"},
    }
    world = in_order(iterated(body, ["itstart > w", "w:l > x", "w:r > y"], ["l", "r", "neither"]))
    assert _output(world) == ["x", None, None]


def test_conversation_variables_come_back_when_a_round_ends_well() -> None:
    compiled = iterated(ASKS, INTO_X, [1, 2], error_handle_mode="continue-on-error")
    world = World(compiled, _second)
    world.begin()
    state = world.machine.state
    for index in range(2):
        state.frames.by_path[f"it:{index}"].pool.put("conversation", "last", index)
        world.happen(world.moves()[0])
    assert state.pool.get(("conversation", "last")) == 0


def test_an_abort_in_the_middle_ends_everything_at_once() -> None:
    world = World(iterated(ASKS, INTO_X, [1, 2, 3], is_parallel=True, parallel_nums=2))
    world.begin()
    world.stop()
    assert ended(world).status == "stopped"
    assert len(world.cancelled) == 2


def test_steps_inside_containers_count_for_the_run() -> None:
    world = World(iterated(COPIES, INTO_X, [*range(50)]))
    world.begin(max_steps=20)
    assert ended(world).error == "Maximum execution steps exceeded: 21 > 20"


def test_rounds_with_nothing_in_them_count_as_steps_too() -> None:
    nodes: Nodes = {"s": {"type": "begin"}, "lp": loop(10**9)}
    world = World(contained(nodes, ["s > lp"]))
    world.begin(max_steps=20)
    assert ended(world).error == "Maximum execution steps exceeded: 21 > 20"


def _looped(body: Nodes, edges: list[str], data: Any) -> CompiledWorkflow:
    nodes: Nodes = {"s": {"type": "begin"}, "lp": data, **body}
    return contained(nodes, ["s > lp", *edges])


ROUND: Nodes = {"x": {"type": "copy", "of": "lp.i"}}
INTO_ROUND = ["lpstart > x"]


def test_a_loop_runs_all_its_rounds_and_tells_its_variables() -> None:
    world = in_order(_looped(ROUND, INTO_ROUND, loop(3, {"i": 7})))
    assert world.machine.state.pool.names("lp") == {"i": 7, "loop_round": 3}
    assert _kinds(world).count("FrameStarted") == 3
    assert ended(world).total_steps == 2 + 3


def test_a_condition_that_holds_before_the_first_round_leaves_the_loop_undone() -> None:
    world = in_order(_looped(ROUND, INTO_ROUND, loop(3, {"i": 0}, **breaks(("lp.i", "=", "0")))))
    assert world.machine.state.pool.names("lp") == {"i": 0}
    assert ended(world).total_steps == 2


def test_a_condition_is_judged_after_each_round() -> None:
    world = in_order(_looped(ROUND, INTO_ROUND, loop(3, {"i": 7}, **breaks(("x.text", "=", "7")))))
    assert _output(world, "lp", "loop_round") == 1


def test_a_condition_on_nothing_fails_the_loop_after_its_first_round() -> None:
    world = in_order(_looped(ROUND, INTO_ROUND, loop(3, {"i": 7}, **breaks(("x.gone", "=", "7")))))
    assert ended(world).status == "failed"
    assert ended(world).error == "Variable ['x', 'gone'] not found"
    assert _kinds(world).count("FrameFinished") == 1


def test_what_a_round_made_is_forgotten_before_the_next() -> None:
    body: Nodes = {
        "w": {"type": "switch", "of": "x.text", "error_strategy": "fail-branch"},
        "x": {"type": "pass"},
    }
    world = in_order(_looped(body, ["lpstart > w", "w:fail-branch > x"], loop(2)))
    # The switch finds nothing in the second round either.
    assert ended(world).exceptions_count == 2


def test_a_loops_end_is_its_last_round() -> None:
    body: Nodes = {**ROUND, "out": {"type": "loop-end", "loop_id": "lp"}}
    world = in_order(_looped(body, ["lpstart > x", "x > out"], loop(3, {"i": 0})))
    assert _output(world, "lp", "loop_round") == 1


@pytest.mark.parametrize(("owner", "rounds"), [("lp", 1), ("another", 2)])
def test_a_loops_end_deeper_inside_ends_the_loop_it_belongs_to(owner: str, rounds: int) -> None:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": [1, 2]},
        "lp": loop(2),
        "it": iteration("out.text"),
        "out": {"type": "loop-end", "loop_id": owner},
    }
    world = in_order(contained(nodes, ["s > g", "g > lp", "lpstart > it", "itstart > out"]))
    assert _output(world, "lp", "loop_round") == rounds


def test_a_round_that_fails_fails_the_loop() -> None:
    world = in_order(_looped({"x": {"type": "broken"}}, INTO_ROUND, loop(3)))
    assert (ended(world).status, ended(world).error) == ("failed", "broken")
    assert ended(world).exceptions_count == 2


def test_answers_inside_are_shown_and_merged_as_they_should() -> None:
    says: Nodes = {"x": {"type": "show", "shows": ["@it.item", ";"]}}
    world = in_order(iterated(says, INTO_X, ["a", "b"], is_parallel=True))
    assert world.view.text == "a;b;- None\n- None"
    assert ended(world).outputs["answer"] == "(x)(end)"
    looped: Nodes = {"x": {"type": "show", "shows": ["@lp.i", ";"]}}
    world = in_order(_looped(looped, INTO_ROUND, loop(2, {"i": 4})))
    assert world.view.text == "4;4;"
    assert ended(world).outputs["answer"] == "(x)(x)"


def test_rounds_speak_in_the_order_of_their_index() -> None:
    body: Nodes = {"m": {"type": "ask"}, "x": {"type": "show", "shows": ["@m.text", "|"]}}
    compiled = iterated(body, ["itstart > m", "m > x"], [1, 2, 3], is_parallel=True)
    world = World(compiled)
    world.begin()
    while not world.finished:
        world.happen(world.moves()[-1])
    said = [part[1:9] for part in world.view.text.split("|")[:3]]
    assert said == ["m@it:0-0", "m@it:1-0", "m@it:2-0"]
    frames = [e.frame for e in world.events if isinstance(e, journal.TextCommitted) and e.frame]
    assert frames == sorted(frames)


def test_a_takeover_in_the_middle_goes_on_with_the_round_under_way() -> None:
    world = World(iterated(ASKS, INTO_X, [*range(5)]))
    world.begin()
    for _ in range(3):
        world.happen(world.moves()[0])
    before = len(world.events)
    world.crash()
    assert len(world.events) == before
    assert [move.split("/")[3] for move in world.moves()] == ["it:3"]


def test_public_events_tell_of_rounds() -> None:
    world = in_order(iterated(COPIES, INTO_X, ["a", "b"]))
    told = [event.model_dump() for event in world.wire if hasattr(event, "kind")]
    kinds = [event["kind"] for event in told]
    assert kinds.count("iteration_started") == 1
    assert [e["round"] for e in told if e["kind"] == "iteration_next"] == [0, 1]
    over = [e for e in told if e["kind"] == "node_finished" and e["node_id"] == "it"]
    assert [each["rounds"] for each in over] == [2]
