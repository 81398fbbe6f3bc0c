"""A workflow with several roots runs from one of them; what only the others lead to rests."""

from typing import Any

import pytest

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow, compile_workflow
from services.engine.domain.nodes.catalogue import CATALOGUE as REAL
from tests.unit.engine.execution.machine_nodes import CATALOGUE, definition, workflow
from tests.unit.engine.execution.simulated_world import World, ended, run_to_end

BEGIN = {"type": "begin"}
PASS = {"type": "pass"}
HOOK: dict[str, Any] = {"type": "trigger-webhook", "body": [{"name": "word"}]}
CLOCK: dict[str, Any] = {"type": "trigger-schedule", "frequency": "hourly"}


def _two() -> CompiledWorkflow:
    """`a` and `b` are roots; `mine` lies behind `a`, `yours` behind `b`, `both` behind either."""
    nodes = {"a": BEGIN, "b": BEGIN, "mine": PASS, "yours": PASS, "both": PASS}
    show = {"type": "show", "shows": ["x", "@both.text", "@yours.text"]}
    edges = ("a > mine", "mine > both", "b > yours", "yours > both", "both > show")
    return workflow({**nodes, "show": show}, edges)


def _ran(compiled: CompiledWorkflow | None) -> tuple[list[str], str]:
    assert compiled is not None
    world = World(compiled)
    world.begin()
    assert run_to_end(world, lambda moves: moves[0]).status == "succeeded"
    started = [e.node_id for e in world.events if isinstance(e, journal.NodeStarted)]
    said = "".join(e.text for e in world.events if isinstance(e, journal.TextCommitted))
    return started, said


@pytest.mark.parametrize("root", [None, "a"])
def test_a_run_begins_with_the_first_root_unless_told_otherwise(root: str | None) -> None:
    assert _ran(_two().begun_with(root)) == (["a", "mine", "both", "show"], "xboth")


def test_a_run_begins_with_the_root_that_it_names() -> None:
    assert _ran(_two().begun_with("b")) == (["b", "yours", "both", "show"], "xbothyours")


@pytest.mark.parametrize("root", ["mine", "nowhere", ""])
def test_no_run_begins_with_another_node(root: str) -> None:
    assert _two().begun_with(root) is None


def test_a_takeover_goes_on_from_the_same_root() -> None:
    compiled = _two().begun_with("b")
    assert compiled is not None
    world = World(compiled)
    world.begin()
    before = [*world.events]
    world.events = before[:-3]
    world.crash()
    assert ended(world).status == "succeeded"
    kinds = [type(event) for event in world.events]
    assert kinds == [type(event) for event in before]


def _report(mode: Any = "workflow", **nodes: Any) -> tuple[list[Any], list[Any]]:
    made = definition(nodes, ()).model_copy(update={"mode": mode})
    report = compile_workflow(made, {**CATALOGUE, **REAL}).report
    return (
        [(each.code, each.node_id, each.field) for each in report.errors],
        [(each.code, each.node_id, each.field) for each in report.warnings],
    )


def test_triggers_stand_beside_each_other() -> None:
    assert _report(hook=HOOK, clock=CLOCK) == ([], [])


def test_a_trigger_beside_a_start_is_an_error_at_the_trigger() -> None:
    errors, _ = _report(begin={"type": "start"}, hook=HOOK)
    assert errors == [("trigger_beside_start", "hook", "type")]


def test_a_trigger_in_a_chat_is_a_warning() -> None:
    assert _report("advanced-chat", hook=HOOK) == ([], [("trigger_in_chat", "hook", "type")])


def test_what_is_wrong_with_a_trigger_names_node_and_field() -> None:
    errors, _ = _report(hook=HOOK | {"method": "brew"}, clock=CLOCK | {"timezone": "Nowhere"})
    assert errors == [
        ("unknown_method", "hook", "method"),
        ("unknown_timezone", "clock", "timezone"),
    ]


def test_a_selector_to_an_output_that_a_webhook_lacks_is_a_warning() -> None:
    end = {"type": "end", "outputs": [{"variable": "x", "value_selector": ["hook", "nope"]}]}
    _, warnings = _report(hook=HOOK, end=end)
    assert warnings == [("undeclared_input", "end", None)]
    known = {"type": "end", "outputs": [{"variable": "x", "value_selector": ["hook", "word"]}]}
    assert _report(hook=HOOK, end=known) == ([], [])


def test_what_a_trigger_declares_is_no_form() -> None:
    hook: Any = {"id": "h", "data": HOOK | {"variables": [{"variable": "word"}]}}
    made = WorkflowDefinition(mode="workflow", graph={"nodes": [hook]})
    assert compile_workflow(made, REAL).report.start_variables == ()
