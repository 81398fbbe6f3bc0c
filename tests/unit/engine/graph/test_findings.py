"""What validation says, and that compiling never raises whatever it is given."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import compile_workflow
from services.engine.domain.nodes.catalogue import CATALOGUE

START: dict[str, Any] = {"id": "s", "data": {"type": "start", "variables": []}}
ANSWER: dict[str, Any] = {"id": "a", "data": {"type": "answer", "answer": "hello"}}


def _edge(source: str, target: str) -> dict[str, Any]:
    return {"source": source, "target": target}


def _codes(nodes: list[Any], edges: list[Any]) -> tuple[list[str], list[str]]:
    definition = WorkflowDefinition(mode="advanced-chat", graph={"nodes": nodes, "edges": edges})
    report = compile_workflow(definition, CATALOGUE).report
    return [each.code for each in report.errors], [each.code for each in report.warnings]


@pytest.mark.parametrize(
    ("nodes", "edges", "errors"),
    [
        ([START, ANSWER], [_edge("s", "a")], []),
        ([ANSWER], [], ["no_start"]),
        ([START, ANSWER, ANSWER], [_edge("s", "a")], ["duplicate_node"]),
        ([START, ANSWER], [_edge("s", "gone")], ["dangling_edge"]),
        ([START, ANSWER], [_edge("s", "a"), _edge("a", "s")], ["cycle"]),
        ([START, ANSWER | {"parentId": "x"}], [_edge("s", "a"), _edge("a", "s")], ["cycle"]),
        ([START, {"id": "x", "data": {"type": "nonsense"}}], [], ["unknown_node_type"]),
        ([START, {"id": "x", "data": {"type": "loop"}}], [], ["node_type_not_runnable"]),
        ([START, ANSWER | {"id": "sys"}], [_edge("s", "sys")], ["reserved_node_id"]),
        (
            [
                START,
                {
                    "id": "a",
                    "data": {
                        "type": "answer",
                        "answer": "hello",
                        "error_strategy": "default-value",
                        "default_value": [{"key": "n", "type": "number", "value": "many"}],
                    },
                },
            ],
            [_edge("s", "a")],
            ["default_value"],
        ),
    ],
)
def test_each_error_is_told_once(nodes: list[Any], edges: list[Any], errors: list[str]) -> None:
    assert _codes(nodes, edges) == (errors, [])


def test_a_selector_that_points_nowhere_is_a_warning() -> None:
    nodes = [START, {"id": "a", "data": {"type": "answer", "answer": "{{#gone.x#}}{{#gone.y#}}"}}]
    assert _codes(nodes, [_edge("s", "a")]) == ([], ["selector_to_nowhere"])


def test_ids_may_be_unquoted_numbers() -> None:
    nodes = [START | {"id": 17}, ANSWER | {"id": 18}]
    assert _codes(nodes, [{"source": 17, "target": 18}, {"source": "17", "target": "99"}]) == (
        ["dangling_edge"],
        [],
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
IDS = st.sampled_from(["s", "a", "b", "sys", "", 7]) | JSON
FIELDS = st.sampled_from(
    [
        "answer", "cases", "code", "default_value", "error_strategy", "headers", "model",
        "outputs", "prompt_template", "retry_config", "template", "title", "url", "variables",
    ]
)  # fmt: skip
RETRIES = st.fixed_dictionaries(
    {"retry_enabled": st.just(True), "max_retries": JSON, "retry_interval": st.floats()}
)


@st.composite
def _nodes(draw: st.DrawFn) -> Any:
    data = draw(st.dictionaries(FIELDS, JSON, max_size=5))
    data["type"] = draw(st.sampled_from(sorted(CATALOGUE)) | JSON)
    if draw(st.booleans()):
        data["retry_config"] = draw(RETRIES)
    return {"id": draw(IDS), "parentId": draw(IDS), "type": draw(JSON), "data": data}


EDGES = st.fixed_dictionaries({"source": IDS, "target": IDS, "sourceHandle": JSON})
GRAPHS = st.fixed_dictionaries(
    {"nodes": st.lists(_nodes() | JSON, max_size=5) | JSON, "edges": st.lists(EDGES) | JSON}
)


@settings(max_examples=150, deadline=None)
@given(GRAPHS)
def test_compiling_never_raises(graph: dict[str, Any]) -> None:
    compiled = compile_workflow(WorkflowDefinition(mode="workflow", graph=graph), CATALOGUE)
    assert len(compiled.nodes) == len(compiled.graph.nodes)
