"""How runs go on and end: branches, failures, retries, waits, limits, stops, outputs."""

from typing import Any

from services.engine.domain.events import journal
from services.engine.domain.execution.run_machine import DEADLINE, RunMachine
from services.engine.domain.node_parts.effects import EffectError
from tests.unit.engine.execution.machine_nodes import workflow
from tests.unit.engine.execution.simulated_world import (
    RUN,
    TENANT,
    Fails,
    World,
    begun,
    ended,
    never,
    run_to_end,
)

BEGIN: dict[str, Any] = {"type": "begin"}
BROKEN: dict[str, Any] = {"type": "broken"}
COMPUTE: dict[str, Any] = {"type": "compute"}
PASS: dict[str, Any] = {"type": "pass"}
RETRIED = {"retry_config": {"retry_enabled": True, "max_retries": 2, "retry_interval": 1500}}


def _world(nodes: dict[str, Any], *edges: str, fails: Fails = never, max_steps: int = 500) -> World:
    world = World(workflow({"begin": BEGIN, **nodes}, edges), fails)
    world.begin(max_steps)
    return world


def _always(_node: str, _attempt: int, _call: int) -> bool:
    return True


def _started(world: World) -> list[str]:
    return [each.node_id for each in world.events if isinstance(each, journal.NodeStarted)]


def test_a_branch_without_an_edge_for_its_handle_ends_in_success() -> None:
    world = _world({"fork": {"type": "fork", "choose": "none"}, "a": PASS}, "begin > fork",
                   "fork:yes > a")  # fmt: skip
    assert (ended(world).status, ended(world).outputs) == ("succeeded", {})
    assert _started(world) == ["begin", "fork"]


def test_a_join_waits_for_every_edge_that_was_not_skipped() -> None:
    world = _world(
        {"fork": {"type": "fork", "choose": "b"}, "a": PASS, "b": COMPUTE, "c": COMPUTE, "j": PASS},
        "begin > fork", "begin > c", "fork:a > a", "fork:b > b", "a > j", "b > j", "c > j",
    )  # fmt: skip
    for move in world.moves():
        assert "j" not in _started(world)
        world.happen(move)
    assert _started(world) == ["begin", "fork", "c", "b", "j"]


def test_a_fail_branch_takes_one_way_or_the_other() -> None:
    nodes = {"a": COMPUTE | {"error_strategy": "fail-branch"}, "ok": PASS, "no": PASS}
    edges = ("begin > a", "a:source > ok", "a:fail-branch > no")
    for fails, way, status in ((never, "ok", "succeeded"), (_always, "no", "partial-succeeded")):
        world = _world(nodes, *edges, fails=fails)
        run_to_end(world, lambda moves: moves[0])
        assert (_started(world)[-1], ended(world).status) == (way, status)
    assert world.machine.state.pool.names("a") == {
        "error_message": "refused",
        "error_type": "UpstreamError",
    }


def test_default_values_stand_in_and_are_typed() -> None:
    defaults = [
        {"key": "n", "type": "number", "value": "7"},
        {"key": "o", "type": "object", "value": '{"a": 1}'},
    ]
    world = _world(
        {"a": BROKEN | {"error_strategy": "default-value", "default_value": defaults}}, "begin > a"
    )
    values = world.machine.state.pool.names("a")
    assert (values["n"], values["o"]) == (7.0, {"a": 1})
    assert values["error_type"] == "ValueError"
    assert ended(world).exceptions_count == 1


def test_every_failed_attempt_counts_and_keys_carry_the_attempt() -> None:
    world = _world({"a": COMPUTE | RETRIED}, "begin > a", fails=_always)
    run_to_end(world, lambda moves: moves[0])
    assert [key.split("/")[4] for key in world.calls] == ["0", "1", "2"]
    retries = [each for each in world.events if isinstance(each, journal.NodeRetryScheduled)]
    assert [each.due - each.at for each in retries] == [1.5, 1.5]
    assert (ended(world).status, ended(world).exceptions_count) == ("failed", 3)
    assert _started(world) == ["begin", "a"]


def test_a_retry_that_succeeds_leaves_the_run_partly_succeeded() -> None:
    world = _world({"a": COMPUTE | RETRIED}, "begin > a", fails=lambda _n, attempt, _c: attempt < 1)
    run_to_end(world, lambda moves: moves[0])
    assert (ended(world).status, ended(world).exceptions_count) == ("partial-succeeded", 1)


def test_an_unknown_outcome_is_not_tried_again() -> None:
    world = _world({"a": COMPUTE | RETRIED}, "begin > a")
    (key,) = world.listening
    error = EffectError("nobody knows", error_type="OutcomeUnknown", retryable=False)
    step = world.machine.fail(key, error, definite=False, now=1.0)
    assert step.finished
    last = step.events[-1]
    assert isinstance(last, journal.RunFinished)
    assert (last.status, last.error) == ("failed", "nobody knows")


def test_an_unhandled_failure_ends_the_run_and_cancels_what_is_under_way() -> None:
    world = _world({"a": COMPUTE, "b": COMPUTE, "c": PASS}, "begin > a", "begin > b", "b > c",
                   fails=lambda node, _a, _c: node == "a")  # fmt: skip
    first, second = world.moves()
    world.happen(first)
    assert ended(world).error == "refused"
    assert world.cancelled == [second]
    world.happen(second)
    assert _started(world) == ["begin", "a", "b"]
    assert isinstance(world.events[-1], journal.RunFinished)


def test_a_wait_keeps_its_instant_through_a_takeover() -> None:
    world = _world({"a": {"type": "nap", "seconds": 30}}, "begin > a")
    before = {name: due for name, due in world.timers.items() if name != DEADLINE}
    world.now = 12.0
    world.crash()
    after = {name: due for name, due in world.timers.items() if name != DEADLINE}
    assert before == after
    assert list(before.values()) == [30.0]


def test_a_group_of_effects_is_answered_once_and_resumed_where_it_stood() -> None:
    world = _world({"a": {"type": "chorus"}}, "begin > a")
    first, second, timer = world.moves()
    world.happen(second)
    world.happen(timer)
    world.crash()
    assert world.moves() == [first]
    run_to_end(world, lambda moves: moves[0])
    assert world.machine.state.pool.get(("a", "results")) == ["0/0", "0/2", "0/3"]


def test_too_many_steps_fail_the_run() -> None:
    world = _world({"a": PASS, "b": PASS}, "begin > a", "a > b", max_steps=2)
    assert ended(world).error == "Maximum execution steps exceeded: 3 > 2"
    assert ended(world).total_steps == 2


def test_too_much_time_fails_the_run() -> None:
    world = _world({"a": COMPUTE}, "begin > a")
    assert world.timers[DEADLINE] == 1200.0
    step = world.machine.timer_due(DEADLINE, 1200.0)
    assert (step.finished, [*step.cancels]) == (True, list(world.listening))


def test_an_abort_applies_once_and_what_comes_later_is_ignored() -> None:
    world = _world({"a": COMPUTE}, "begin > a")
    (key,) = world.moves()
    world.stop()
    assert (ended(world).status, ended(world).error) == ("stopped", "enough")
    assert world.cancelled == [key]
    count = len(world.events)
    world.stop()
    world.happen(key)
    assert len(world.events) == count


def test_answers_are_joined_in_order_of_completion_and_other_names_overwritten() -> None:
    world = _world(
        {"a": COMPUTE, "b": COMPUTE, "x": {"type": "show", "shows": ["1"]},
         "y": {"type": "show", "shows": ["2"]}},
        "begin > a", "begin > b", "a > x", "b > y",
    )  # fmt: skip
    run_to_end(world, lambda moves: moves[-1])
    assert ended(world).outputs["answer"] == "(y)(x)"


def test_tokens_of_the_nodes_add_up() -> None:
    world = _world({"a": {"type": "ask"}, "b": {"type": "ask"}}, "begin > a", "a > b")
    run_to_end(world, lambda moves: moves[0])
    assert ended(world).total_tokens == 6


def test_reports_about_a_run_that_knows_nothing_of_them_change_nothing() -> None:
    compiled = workflow({"begin": BEGIN, "a": COMPUTE}, ["begin > a"])
    machine = RunMachine(compiled, tenant_id=TENANT, run_id=RUN)
    machine.begin(begun())
    for step in (
        machine.complete("unknown", None, 1.0),
        machine.timer_due("retry:a:0", 1.0),
        machine.parts("unknown", [], 1.0),
    ):
        assert (step.events, step.dispatches, step.finished) == ([], [], False)
