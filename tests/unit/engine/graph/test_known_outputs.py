"""What validation says of what a node reads, before a run."""

from typing import Any

import pytest

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import compile_workflow
from services.engine.domain.nodes.catalogue import CATALOGUE

START: dict[str, Any] = {"id": "s", "data": {"type": "start", "variables": []}}
ANSWER: dict[str, Any] = {"id": "a", "data": {"type": "answer", "answer": "hello"}}


def _edge(source: str, target: str) -> dict[str, Any]:
    return {"source": source, "target": target}


def test_an_old_iteration_begins_with_its_first_real_node() -> None:
    inner: dict[str, Any] = {
        "id": "t",
        "parentId": "it",
        "data": {"type": "template-transform", "template": "{{ x }}", "variables": []},
    }
    old: dict[str, Any] = {
        "id": "it",
        "data": {
            "type": "iteration",
            "start_node_id": "t",
            "startNodeType": "template-transform",
            "iterator_selector": ["s", "list"],
            "output_selector": ["t", "output"],
        },
    }
    edges = [_edge("s", "it"), _edge("it", "a")]
    graph: dict[str, Any] = {"nodes": [START, old, inner, ANSWER], "edges": edges}
    definition = WorkflowDefinition(mode="advanced-chat", graph=graph)
    report = compile_workflow(definition, CATALOGUE).report
    assert (report.errors, report.warnings) == ((), ())


@pytest.mark.parametrize(
    ("shown", "warnings"),
    [
        ("{{#it.output#}}", 0),
        ("{{#it.index#}}", 0),
        ("{{#it.nothing#}}", 1),
        ("{{#lp.n#}} {{#lp.loop_round#}}", 0),
        ("{{#lp.nothing#}}", 1),
        ("{{#lp.n.deep#}}", 1),
        ("{{#env.KNOWN#}}", 0),
        ("{{#env.GONE#}}", 1),
        ("{{#conversation.GONE#}}", 1),
    ],
)
def test_a_selector_to_nowhere_is_told(shown: str, warnings: int) -> None:
    loop: dict[str, Any] = {
        "type": "loop",
        "loop_count": 1,
        "start_node_id": "ls",
        "loop_variables": [
            {"label": "n", "var_type": "number", "value_type": "constant", "value": 1}
        ],
    }
    iteration = {"type": "iteration", "iterator_selector": ["s", "x"], "start_node_id": "is"}
    nodes: list[Any] = [
        START,
        {"id": "it", "data": iteration | {"output_selector": ["s", "x"]}},
        {"id": "is", "parentId": "it", "data": {"type": "iteration-start"}},
        {"id": "lp", "data": loop},
        {"id": "ls", "parentId": "lp", "data": {"type": "loop-start"}},
        {"id": "a", "data": {"type": "answer", "answer": shown}},
    ]
    definition = WorkflowDefinition(
        mode="advanced-chat",
        graph={"nodes": nodes, "edges": [_edge("s", "it"), _edge("it", "lp"), _edge("lp", "a")]},
        environment_variables=({"name": "KNOWN", "value_type": "string", "value": "x"},),
    )
    report = compile_workflow(definition, CATALOGUE).report
    assert report.errors == ()
    told = [each.code for each in report.warnings if each.node_id == "a"]
    assert told == ["selector_to_nowhere"] * warnings
