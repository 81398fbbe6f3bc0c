"""One node as a workflow of its own."""

from typing import Any

from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.lone_node import LoneNode, lone_node


def _definition() -> WorkflowDefinition:
    nodes: list[dict[str, Any]] = [
        {"id": "begin", "data": {"type": "start", "variables": [{"variable": "x"}]}},
        {"id": "it", "data": {"type": "iteration", "start_node_id": "its"}},
        {"id": "its", "data": {"type": "iteration-start"}, "parentId": "it"},
        {"id": "in", "data": {"type": "loop", "start_node_id": "ins"}, "parentId": "it"},
        {"id": "ins", "data": {"type": "loop-start"}, "parentId": "in"},
        {"id": "m", "data": {"type": "llm"}, "parentId": "in"},
        {"id": 7, "data": {"type": "end"}},
    ]
    edges = [("begin", "it"), ("its", "in"), ("ins", "m"), ("it", 7)]
    return WorkflowDefinition(
        mode="workflow",
        graph={"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in edges]},  # pyright: ignore[reportArgumentType] - plain JSON
        environment_variables=({"name": "KEY", "value": "v"},),
    )


def _made(node_id: str) -> tuple[LoneNode, list[str], list[tuple[str, str]]]:
    alone = lone_node(_definition(), node_id)
    assert alone is not None
    graph: Any = alone.definition.graph
    nodes = [str(node["id"]) for node in graph["nodes"]]
    return alone, nodes, [(str(edge["source"]), str(edge["target"])) for edge in graph["edges"]]


def test_a_start_leads_to_the_node_alone() -> None:
    alone, nodes, edges = _made("7")
    assert (nodes, edges) == (["begin", "7"], [("begin", "7")])
    graph: Any = alone.definition.graph
    assert graph["nodes"][0]["data"].get("variables") is None
    assert alone.definition.environment_variables == _definition().environment_variables


def test_a_container_keeps_what_is_inside_at_any_depth() -> None:
    _, nodes, edges = _made("it")
    assert set(nodes) == {"begin", "it", "its", "in", "ins", "m"}
    assert set(edges) == {("begin", "it"), ("its", "in"), ("ins", "m")}


def test_a_node_inside_a_container_stands_outside() -> None:
    alone, nodes, _ = _made("m")
    assert nodes == ["begin", "m"]
    graph: Any = alone.definition.graph
    assert "parentId" not in graph["nodes"][1]


def test_a_start_is_alone() -> None:
    alone, nodes, edges = _made("begin")
    assert (nodes, edges, alone.start_id) == (["begin"], [], "begin")


def test_a_node_that_is_not_there_is_none() -> None:
    assert lone_node(_definition(), "nobody") is None


def test_given_variables_go_where_nodes_read_them() -> None:
    alone, _, _ = _made("m")
    given = alone.split(
        {
            "begin": {"x": 1},
            "sys": {"query": "q"},
            "env": {"E": 2},
            "conversation": {"c": 3},
            "it": {"item": 4},
        }
    )
    assert given.inputs == {"x": 1}
    assert given.system == {"query": "q"}
    assert (given.environment, given.conversation) == ({"E": 2}, {"c": 3})
    assert given.others == {"it": {"item": 4}}
