"""How failures are handled, and what a run says of itself at its end."""

from typing import Any

import pytest

from services.engine.domain.events import journal
from services.engine.domain.node_parts.effects import EffectError
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import World, ended, run_to_end

RETRY = {"retry_config": {"retry_enabled": True, "max_retries": 2, "retry_interval": 500}}
DEFAULT = {
    "error_strategy": "default-value",
    "default_value": [{"key": "n", "type": "number", "value": "7"}],
}
BRANCH = {"error_strategy": "fail-branch"}
REFUSED = {"error_message": "refused", "error_type": "UpstreamError"}


def _ran(failing: int, policy: dict[str, Any], edges: tuple[str, ...] = ("c > a",)) -> World:
    nodes = {
        "s": {"type": "begin"},
        "c": {"type": "compute", **policy},
        "a": {"type": "show", "shows": ["done"]},
        "b": {"type": "show", "shows": ["failed"]},
    }
    world = World(
        workflow(nodes, ["s > c", *edges]), lambda _node, attempt, _call: attempt < failing
    )
    world.begin()
    run_to_end(world, lambda moves: moves[0])
    return world


@pytest.mark.parametrize(
    ("failing", "policy", "status", "exceptions"),
    [
        (0, {}, "succeeded", 0),
        (1, {}, "failed", 1),
        (1, RETRY, "partial-succeeded", 1),
        (2, RETRY, "partial-succeeded", 2),
        (3, RETRY, "failed", 3),
        (3, RETRY | DEFAULT, "partial-succeeded", 3),
        (1, DEFAULT, "partial-succeeded", 1),
        (1, {"retry_config": {"retry_enabled": False, "max_retries": 2}}, "failed", 1),
    ],
)
def test_every_failed_attempt_counts(
    failing: int, policy: dict[str, Any], status: str, exceptions: int
) -> None:
    world = _ran(failing, policy)
    end = ended(world)
    assert (end.status, end.exceptions_count) == (status, exceptions)
    assert (end.error is None) == (status != "failed")
    assert bool(end.outputs) == (status != "failed")
    if status == "failed":
        assert end.error == "refused"


def test_default_values_stand_beside_the_error() -> None:
    assert _ran(1, DEFAULT).machine.state.pool.names("c") == {"n": 7.0, **REFUSED}


@pytest.mark.parametrize(("failing", "taken"), [(1, "b"), (0, "a")])
def test_a_fail_branch_is_a_branch(failing: int, taken: str) -> None:
    world = _ran(failing, BRANCH, ("c:source > a", "c:fail-branch > b"))
    started = {e.node_id for e in world.events if isinstance(e, journal.NodeStarted)}
    assert ended(world).status == ("partial-succeeded" if failing else "succeeded")
    assert ("a" in started) == (taken == "a")
    if failing:
        assert world.machine.state.pool.names("c") == REFUSED


def test_a_failed_attempt_is_tried_again_under_another_key_and_started_once() -> None:
    world = _ran(2, RETRY)
    sent = [e.attempt for e in world.events if isinstance(e, journal.EffectDispatched)]
    assert sent == [0, 1, 2]
    starts = [e.node_id for e in world.events if isinstance(e, journal.NodeStarted)]
    assert starts == ["s", "c", "a"]


def test_what_nobody_handles_keeps_the_type_of_its_error() -> None:
    nodes = {"s": {"type": "begin"}, "x": {"type": "broken"}}
    world = World(workflow(nodes, ["s > x"]))
    world.begin()
    (failed,) = [e for e in world.events if isinstance(e, journal.NodeFailed)]
    assert (failed.error, failed.error_type, failed.handled) == ("broken", "ValueError", "none")


def test_a_defect_in_a_node_is_that_nodes_failure() -> None:
    nodes = {"s": {"type": "begin"}, "x": {"type": "nap", "seconds": "soon"}}
    world = World(workflow(nodes, ["s > x"]))
    world.begin()
    (failed,) = [e for e in world.events if isinstance(e, journal.NodeFailed)]
    assert failed.error_type == "WorkflowNodeError"


def test_an_unhandled_failure_cancels_what_is_under_way_and_starts_nothing() -> None:
    nodes = {
        "s": {"type": "begin"},
        "c": {"type": "compute"},
        "m": {"type": "ask"},
        "n": {"type": "nap"},
        "a": {"type": "show", "shows": ["never"]},
    }
    world = World(
        workflow(nodes, ["s > c", "s > m", "s > n", "c > a"]),
        lambda node, _attempt, _call: node == "c",
    )
    world.begin()
    world.happen(next(move for move in world.moves() if "/c/" in move))
    assert ended(world).status == "failed"
    assert [key.split("/")[2] for key in world.cancelled] == ["m"]
    late = next(iter(world.listening))
    assert not world.machine.complete(late, None, 9.0).events


def test_an_unknown_outcome_is_not_tried_again() -> None:
    nodes = {"s": {"type": "begin"}, "c": {"type": "compute", **RETRY}}
    world = World(workflow(nodes, ["s > c"]))
    world.begin()
    key = next(iter(world.listening))
    error = EffectError("nobody knows", error_type="OutcomeUnknown", retryable=False)
    step = world.machine.fail(key, error, definite=False, now=1.0)
    assert isinstance(step.events[-1], journal.RunFinished)


def test_a_branch_without_an_edge_for_its_choice_ends_the_run_well() -> None:
    nodes = {
        "s": {"type": "begin"},
        "f": {"type": "fork", "choose": "elsewhere"},
        "a": {"type": "show", "shows": ["never"]},
    }
    world = World(workflow(nodes, ["s > f", "f:yes > a"]))
    world.begin()
    assert (ended(world).status, ended(world).outputs) == ("succeeded", {})


def test_limits_end_a_run() -> None:
    nodes = {f"n{n}": {"type": "pass" if n else "begin"} for n in range(6)}
    compiled = workflow(nodes, [f"n{n} > n{n + 1}" for n in range(5)])
    world = World(compiled)
    world.begin(max_steps=5)
    assert ended(world).error == "Maximum execution steps exceeded: 6 > 5"
    world = World(compiled)
    world.begin(max_steps=6)
    assert ended(world).status == "succeeded"


def test_time_runs_out_on_a_waiting_retry_too() -> None:
    nodes = {"s": {"type": "begin"}, "c": {"type": "compute", **RETRY}}
    world = World(workflow(nodes, ["s > c"]), lambda _node, _attempt, _call: True)
    world.begin()
    world.happen(next(iter(world.listening)))
    assert not world.finished
    world.crash()
    assert set(world.timers) == {"run:deadline", "retry:c:0"}
    step = world.machine.timer_due("run:deadline", 1200.0)
    assert isinstance(step.events[-1], journal.RunFinished)
    assert step.events[-1].error == "Maximum execution time exceeded: 1200 seconds"


def test_nodes_that_the_start_does_not_lead_to_do_not_run_and_hold_nobody_up() -> None:
    nodes = {
        "s": {"type": "begin"},
        "other": {"type": "begin"},
        "island": {"type": "pass"},
        "a": {"type": "show", "shows": ["x"]},
    }
    world = World(workflow(nodes, ["other > island", "island > a", "s > a"]))
    world.begin()
    started = [e.node_id for e in world.events if isinstance(e, journal.NodeStarted)]
    assert started == ["s", "a"]
