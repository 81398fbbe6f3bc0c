"""Workflows that call workflows, through the public API."""

from typing import Any

from tests.conformance.caller import Caller
from tests.e2e import documents

Json = dict[str, Any]


def _calls(node: str, app_id: str, **more: Any) -> Json:
    return {
        "id": node,
        "data": {"type": "sub-workflow", "title": node, "app_id": app_id, **more},
    }


def _child() -> Json:
    """start (name) -> draft (model) -> greet (template) -> end (greeting)."""
    nodes = [
        documents.start(documents.variable("name")),
        documents.llm("draft", "greet {{#start.name#}}"),
        documents.template(
            "greet", "Hello {{ name }}, {{ said }}", name=["start", "name"], said=["draft", "text"]
        ),
        documents.end(greeting=["greet", "output"]),
    ]
    return documents.app("child", nodes, [("start", "draft"), ("draft", "greet"), ("greet", "end")])


def _parent(app_id: str) -> Json:
    """start (who) -> call -> end (greeting); beside it `lost`, whose failure is handled."""
    lost: Json = {
        "error_strategy": "default-value",
        "default_value": [{"key": "greeting", "type": "string", "value": "nobody"}],
    }
    named = {"inputs": {"name": {"type": "variable", "value": ["start", "who"]}}}
    nodes = [
        documents.start(documents.variable("who")),
        _calls("call", app_id, **named),
        _calls("lost", app_id, **lost),
        documents.end(greeting=["call", "greeting"], other=["lost", "greeting"]),
    ]
    ways = [("start", "call"), ("start", "lost"), ("call", "end"), ("lost", "end")]
    return documents.app("parent", nodes, [*ways])


def test_a_published_app_is_a_node_of_another_one(caller: Caller) -> None:
    child = caller.app(_child())
    run_id = caller.run(caller.app(_parent(child)), who="Ada")
    run = caller.get(f"/api/runs/{run_id}")
    assert run["status"] == "partial-succeeded"
    assert run["outputs"] == {"greeting": "Hello Ada, said greet Ada", "other": "nobody"}
    assert caller.asked == (1, 0)
    nodes = caller.nodes(run_id)
    assert "name is required" in nodes["lost"]["error"]
    assert nodes["lost"]["child_runs"] == []
    (child_id,) = nodes["call"]["child_runs"]
    below = caller.ended(child_id)
    assert (below["app_id"], below["parent_run_id"]) == (child, run_id)
    assert below["inputs"] == {"name": "Ada"}
    assert below["outputs"] == {"greeting": "Hello Ada, said greet Ada"}
    listed = caller.get(f"/api/runs?parent_run_id={run_id}")["runs"]
    assert [line["run_id"] for line in listed] == [child_id]
    assert set(caller.nodes(child_id)) == {"start", "draft", "greet", "end"}
    # What it took counts for its caller.
    assert nodes["call"]["total_tokens"] == below["total_tokens"] > 0


def test_looking_back_knows_what_a_call_does(caller: Caller) -> None:
    child = caller.app(_child())
    run_id = caller.run(caller.app(_parent(child)), who="Ada")
    shown = caller.post(f"/api/runs/{run_id}/fork/preview", {"from_node": "lost"}).json()
    effects = {node["node_id"]: node["effect_class"] for node in shown["executes"]}
    assert effects["lost"] == "model"
    assert [node["node_id"] for node in shown["takes"]] == ["call"]
    fork = caller.begin(run_id, "fork", {"from_node": "lost"})
    assert fork["outputs"]["greeting"] == "Hello Ada, said greet Ada"
    assert caller.asked == (1, 0)
    replay = caller.begin(run_id, "replay")
    assert replay["outputs"] == fork["outputs"]
    assert caller.asked == (2, 0)
    (below,) = caller.nodes(replay["run_id"])["call"]["child_runs"]
    again = caller.begin(below, "replay")
    assert (again["status"], again["parent_run_id"]) == ("succeeded", None)
