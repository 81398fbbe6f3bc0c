"""What stands and what executes, case by case: other versions, branches, edits, classes."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow, compile_workflow
from services.engine.domain.forks.edited_outputs import refused_edits
from services.engine.domain.forks.executed_nodes import container_of, effect_of, nodes_inside
from services.engine.domain.forks.plan_fork import ForkOutline, ForkPlanner
from services.engine.domain.forks.stored_files import holds_stored_files
from services.engine.domain.node_parts.file_sources import stored_file
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.values import MISSING, Value
from tests.replay.history_files import read
from tests.replay.scenarios import SCENARIOS
from tests.unit.engine.execution.container_graphs import assigner, contained, iteration
from tests.unit.engine.execution.machine_nodes import definition, workflow
from tests.unit.engine.execution.simulated_world import World, ended, run_to_end
from tests.unit.engine.forks.forked_world import forked, outline_of, taken_nodes, text_of

Nodes = dict[str, dict[str, Any]]
NODES: Nodes = {
    "s": {"type": "begin"},
    "a": {"type": "ask"},
    "b": {"type": "compute"},
    "c": {"type": "ask"},
    "out": {"type": "show", "shows": ["@a.text", "|", "@c.text"]},
}
EDGES = ["s > a", "a > b", "b > c", "c > out"]


def _ran(nodes: Mapping[str, Any] = NODES, edges: Sequence[str] = EDGES) -> World:
    world = World(workflow(nodes, edges))
    world.begin()
    run_to_end(world, lambda moves: moves[0])
    return world


def _b_fails(node: str, _attempt: int, _call: int) -> bool:
    return node == "b"


def _reasons(outline: ForkOutline) -> dict[str, str]:
    return {each.node_id: each.reason for each in outline.executed}


def _other(nodes: Nodes | None = None, edges: Sequence[str] = EDGES) -> CompiledWorkflow:
    return workflow({**NODES, **(nodes or {})}, edges)


def test_a_node_of_another_type_executes_with_all_behind_it() -> None:
    outline = outline_of(_ran(), "c", _other({"b": {"type": "nap"}}))
    assert list(outline.taken) == ["a"]
    assert _reasons(outline) == {"s": "start", "b": "type", "c": "chosen", "out": "downstream"}


def test_a_node_that_was_put_in_between_executes_with_all_behind_it() -> None:
    edges = ["s > a", "a > x", "x > b", "b > c", "c > out"]
    outline = outline_of(_ran(), "c", _other({"x": {"type": "pass"}}, edges))
    assert list(outline.taken) == ["a"]
    assert _reasons(outline) == {
        "s": "start",
        "x": "new",
        "b": "upstream",
        "c": "chosen",
        "out": "downstream",
    }


def test_a_node_that_was_removed_is_told() -> None:
    nodes = {name: data for name, data in NODES.items() if name != "b"}
    wanted = workflow(nodes, ["s > a", "a > c", "c > out"])
    outline = outline_of(_ran(), "c", wanted)
    assert (list(outline.taken), outline.gone) == (["a"], ["b"])


def test_another_configuration_keeps_the_result_and_is_told() -> None:
    origin = _ran()
    wanted = _other({"a": {"type": "ask", "calls": 2}})
    planner = ForkPlanner(origin.events, origin.workflow, wanted, "c")
    assert list(planner.plan().taken) == ["a", "b"]
    assert planner.changes.configures_anew("a")
    assert not planner.changes.configures_anew("b")


def _containers(*, inner: str = "ask", extra: bool = False) -> CompiledWorkflow:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": ["x", "y"]},
        "it": iteration("m.text"),
        "m": {"type": inner},
        "says": {"type": "show", "shows": ["<", "@m.text", ">"]},
        "last": {"type": "ask"},
    }
    edges = ["s > g", "g > it", "itstart > m", "m > says", "it > last"]
    if extra:
        nodes["more"] = {"type": "pass"}
        edges.append("says > more")
    return contained(nodes, edges)


def test_a_container_stands_with_its_rounds_unless_its_inside_changed() -> None:
    origin = World(_containers())
    origin.begin()
    run_to_end(origin, lambda moves: moves[0])
    fork = forked(origin, "last")
    assert taken_nodes(fork) == ["g", "it"]
    assert text_of(fork).count("<") == 4  # two rounds, in which the model's text begins with one
    run_to_end(fork, lambda moves: moves[0])
    assert text_of(fork) == text_of(origin)
    assert fork.machine.state.pool.names("it") == origin.machine.state.pool.names("it")
    for wanted in (_containers(inner="duet"), _containers(extra=True)):
        outline = outline_of(origin, "last", wanted)
        assert list(outline.taken) == ["g"]
        assert _reasons(outline)["it"] == "inside"
    inside = [node.place.id for node in nodes_inside(origin.workflow, "it")]
    assert inside == ["m", "says"]
    assert container_of(origin.workflow, "m") == "it"
    assert container_of(origin.workflow, "it") is None


def test_text_that_was_streamed_is_shown_once_in_a_fork_too() -> None:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "a": {"type": "ask"},
        "one": {"type": "show", "shows": ["1 ", "@a.text", ";"]},
        "two": {"type": "show", "shows": ["2 ", "@a.text", ";"]},
        "c": {"type": "ask"},
    }
    origin = _ran(nodes, ["s > a", "a > one", "a > two", "one > c", "two > c"])
    fork = forked(origin, "c")
    run_to_end(fork, lambda moves: moves[0])
    assert text_of(fork) == text_of(origin)
    assert text_of(fork).count("<a-0-0-0") == 1


def test_assigned_variables_are_taken_over() -> None:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "g": {"type": "give", "list": ["x"]},
        "as": assigner(("g.list", "append", "@sys.query")),
        "c": {"type": "ask"},
    }
    origin = _ran(nodes, ["s > g", "g > as", "as > c"])
    fork = forked(origin, "c")
    value = fork.machine.state.pool.get(("g", "list"))
    assert value == origin.machine.state.pool.get(("g", "list")) == ["x", "hi"]


def test_variables_that_an_operator_updated_are_taken_over() -> None:
    origin = _ran()
    update: list[Value] = ["a", "text", "by hand"]
    commanded = journal.CommandApplied(
        at=0.0, command_id="c", command="update_variables", updates=[update]
    )
    origin.events.insert(-1, commanded)
    assert forked(origin, "c").machine.state.pool.get(("a", "text")) == "by hand"
    assert forked(origin, "s").machine.state.pool.get(("a", "text")) is MISSING


def test_branches_stay_as_they_were_decided() -> None:
    nodes: Nodes = {
        "s": {"type": "begin"},
        "f": {"type": "fork", "choose": "yes"},
        "y": {"type": "ask"},
        "n": {"type": "ask"},
        "j": {"type": "ask"},
    }
    origin = _ran(nodes, ["s > f", "f:yes > y", "f:no > n", "y > j", "n > j"])
    assert list(outline_of(origin, "j").taken) == ["f", "y"]
    assert "n" not in _reasons(outline_of(origin, "n"))
    assert set(_reasons(outline_of(origin, "f"))) == {"s", "f", "y", "n", "j"}


def test_what_the_origin_did_not_finish_executes() -> None:
    world = World(workflow(NODES, EDGES), _b_fails)
    world.begin()
    run_to_end(world, lambda moves: moves[0])
    outline = outline_of(world, "c")
    assert list(outline.taken) == ["a"]
    assert _reasons(outline)["b"] == "not_finished"


def test_a_failure_that_was_handled_is_taken_over_and_counts() -> None:
    nodes: Nodes = {**NODES, "b": {"type": "compute", "error_strategy": "fail-branch"}}
    edges = ["s > a", "a > b", "b:fail-branch > c", "c > out"]
    origin = World(workflow(nodes, edges), _b_fails)
    origin.begin()
    run_to_end(origin, lambda moves: moves[0])
    fork = forked(origin, "c")
    run_to_end(fork, lambda moves: moves[0])
    assert ended(fork).status == "partial-succeeded"
    assert ended(fork).exceptions_count == ended(origin).exceptions_count == 1
    assert (ended(origin).total_tokens, ended(fork).total_tokens) == (6, 3)


def test_edited_outputs_reach_the_nodes_that_execute() -> None:
    origin = _ran()
    fork = forked(origin, "c", outputs={"a": {"text": "edited"}})
    assert fork.machine.state.pool.get(("a", "text")) == "edited"
    run_to_end(fork, lambda moves: moves[0])
    assert text_of(fork).startswith("edited|")


@pytest.mark.parametrize(
    ("outputs", "wrong"),
    [
        ({"a": {"text": "x"}}, []),
        ({"c": {"text": "x"}}, ["/outputs/c"]),
        ({"s": {"text": "x"}}, ["/outputs/s"]),
        ({"nobody": {}}, ["/outputs/nobody"]),
        ({"a": {"txet": "x"}, "b": {"text": "x", "~/": 1}}, ["/outputs/a/txet", "/outputs/b/~0~1"]),
    ],
)
def test_edits_that_lead_nowhere_are_named(outputs: Any, wrong: list[str]) -> None:
    origin = _ran()
    taken = outline_of(origin, "c").taken
    found = refused_edits(origin.workflow, taken, outputs)
    assert [detail.pointer for detail in found] == wrong


def test_an_edit_has_the_type_that_its_output_was_declared_with() -> None:
    code: dict[str, Any] = {
        "type": "code",
        "code_language": "python3",
        "code": "def main(): return {}",
        "variables": [],
        "outputs": {"n": {"type": "number"}, "l": {"type": "array[string]"}},
    }
    compiled = compile_workflow(
        definition({"s": {"type": "start"}, "c": code, "e": {"type": "end"}}, ["s > c", "c > e"]),
        CATALOGUE,
    )
    origin = _ran()
    taken = {"c": outline_of(origin, "c").taken["a"]}

    def wrong(**values: Any) -> list[str]:
        return [each.pointer for each in refused_edits(compiled, taken, {"c": values})]

    assert wrong(n=1, l=["a"]) == wrong(n=1.5, l=[]) == wrong(n=None) == []
    assert wrong(n="1") == ["/outputs/c/n"]
    assert wrong(l=[1]) == ["/outputs/c/l"]


def test_an_edited_list_of_an_iteration_may_hold_nulls_and_lists() -> None:
    each = {"type": "iteration", "iterator_selector": ["s", "x"], "start_node_id": "m"}
    nodes = {"s": {"type": "start"}, "c": each, "m": {"type": "iteration-start"}}
    compiled = compile_workflow(definition(nodes, ["s > c"]), CATALOGUE)
    taken = {"c": outline_of(_ran(), "c").taken["a"]}

    def wrong(output: Value) -> list[str]:
        return [each.pointer for each in refused_edits(compiled, taken, {"c": {"output": output}})]

    assert wrong(["a", None, [1]]) == wrong([]) == []
    assert wrong("a") == ["/outputs/c/output"]


def test_every_type_that_asks_something_of_the_world_says_what_it_may_do() -> None:
    asks = re.compile(
        r"\b(CallModel|RunCode|FetchHttp|CallTool|ReadDocument|RunCommand|AskHuman|call_workflow)\("
    )
    for name, kind in CATALOGUE.items():
        node = kind.parse("n", {})
        source = inspect.getsource(inspect.getmodule(type(node)) or type(node))
        assert hasattr(node, "effect_class") == bool(asks.search(source)), name


@pytest.mark.parametrize(
    ("data", "effect"),
    [
        ({"type": "llm"}, "model"),
        ({"type": "code"}, "idempotent"),
        ({"type": "tool"}, "unsafe"),
        ({"type": "human-input"}, "human"),
        ({"type": "sub-workflow"}, "unsafe"),
        ({"type": "http-request", "method": "get"}, "idempotent"),
        ({"type": "http-request", "method": "post"}, "unsafe"),
        ({"type": "http-request", "method": "post", "idempotent_target": True}, "keyed"),
        ({"type": "if-else"}, "pure"),
    ],
)
def test_an_effects_class_follows_from_type_and_configuration(
    data: dict[str, Any], effect: str
) -> None:
    compiled = compile_workflow(definition({"n": data}, []), CATALOGUE)
    assert effect_of(compiled.nodes[0]) == effect


def test_files_that_the_origin_stored_are_noticed_wherever_they_stand() -> None:
    stored = stored_file("command/t/r.1", filename="a", mime_type="text/plain", size=1)
    linked: Any = {"type": "image", "transfer_method": "remote_url", "remote_url": "https://x"}
    uploaded = {**linked, "transfer_method": "local_file", "object_key": "uploads/t/f.x"}
    assert holds_stored_files({"files": [{"deep": [stored]}]})
    assert not holds_stored_files({"files": [uploaded]})
    assert not holds_stored_files({"files": [linked], "text": "x", "n": None})


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_golden_history_can_be_begun_from_at_every_node(name: str) -> None:
    """Histories that older versions wrote are taken over by today's."""
    scenario = SCENARIOS[name]
    origin = World(scenario.compiled(), scenario.fails, events=read(name))
    frame = origin.workflow.graph
    for node in frame.reachable():
        fork = forked(origin, frame.nodes[node].id, fails=scenario.fails)
        outline = outline_of(origin, frame.nodes[node].id)
        assert sorted(taken_nodes(fork)) == sorted(outline.taken)
        # One that asks people waits for them.
        if fork.moves():
            run_to_end(fork, lambda moves: moves[0])
        assert not set(_reasons(outline)) & set(outline.taken)
