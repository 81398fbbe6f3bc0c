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
        *(
            ([START, {"id": "x", "data": {"type": kind}}], [], ["node_type_not_runnable"])
            for kind in (
                "agent",
                "datasource",
                "knowledge-index",
                "knowledge-retrieval",
                "knowledge-retrieval-v2",
            )
        ),
        ([START, {"id": "n", "type": "custom-note", "data": {"type": "anything"}}], [], []),
        ([START, {"id": "n", "type": "custom", "data": {"type": ""}}], [], []),
        ([START, ANSWER | {"id": "sys"}], [_edge("s", "sys")], ["reserved_node_id"]),
        ([START, ANSWER | {"id": "a\nb"}], [_edge("s", "a\nb")], ["unfit_node_id"]),
        ([START, ANSWER | {"id": "a\0"}], [_edge("s", "a\0")], ["unfit_node_id"]),
        ([START, ANSWER | {"id": "a" * 256}], [_edge("s", "a" * 256)], ["unfit_node_id"]),
        ([START, ANSWER | {"id": "ключ * > 1"}], [_edge("s", "ключ * > 1")], []),
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


LLM: dict[str, Any] = {
    "id": "l",
    "data": {
        "type": "llm",
        "model": {"provider": "demo", "name": "demo-chat"},
        "prompt_template": [{"role": "user", "text": "hello"}],
    },
}


@pytest.mark.parametrize(
    ("data", "answer", "warnings"),
    [
        ({}, "{{#l.text#}}{{#l.usage.total_tokens#}}", 0),
        ({}, "{{#l.txet#}}{{#l.txet#}}", 1),
        ({}, "{{#l.txet#}}{{#l.structured_output.a#}}", 2),
        ({}, "{{#l.text.first#}}", 1),
        ({}, "{{#l.error_message#}}", 1),
        ({"error_strategy": "fail-branch"}, "{{#l.error_message#}}{{#l.txet#}}", 1),
        (
            {
                "error_strategy": "default-value",
                "default_value": [{"key": "own", "type": "string", "value": "x"}],
            },
            "{{#l.error_type#}}{{#l.own#}}",
            0,
        ),
    ],
)
def test_an_output_that_a_node_will_not_have_is_a_warning(
    data: dict[str, Any], answer: str, warnings: int
) -> None:
    nodes = [
        START,
        LLM | {"data": LLM["data"] | data},
        {"id": "a", "data": {"type": "answer", "answer": answer}},
    ]
    edges = [_edge("s", "l"), _edge("l", "a")]
    assert _codes(nodes, edges) == ([], ["selector_to_nowhere"] * warnings)


def _doc(**data: Any) -> dict[str, Any]:
    return {"type": "document-extractor", "variable_selector": ["sys", "files"], **data}


HTTP = {"type": "http-request", "method": "get", "url": "http://example.org"}
COMMAND = {"type": "command", "command": "true"}
TOOL = {"type": "tool", "provider_id": "basics", "tool_name": "current_time"}
END = {"type": "end", "outputs": [{"variable": "x", "value_selector": ["sys", "query"]}]}
FORM = {
    "type": "start",
    "variables": [
        {"variable": "name", "type": "text-input"},
        {"variable": "photo", "type": "file"},
        {"variable": "more", "type": "file-list"},
        {"variable": "data", "type": "json_object"},
        {"variable": "odd", "type": "external_data_tool"},
    ],
}
NOWHERE, UNDECLARED = "selector_to_nowhere", "undeclared_input"


@pytest.mark.parametrize(
    ("data", "selector", "warning"),
    [
        (HTTP, "status_code", None),
        (HTTP, "headers.etag", None),
        (HTTP, "status", NOWHERE),
        (HTTP, "body.items", NOWHERE),
        (HTTP, "files.size", NOWHERE),
        (COMMAND, "stdout", None),
        (COMMAND, "exit_code.first", NOWHERE),
        (COMMAND, "output", NOWHERE),
        (TOOL, "json", None),
        (TOOL, "whatever.it.names", None),
        (TOOL, "text.first", NOWHERE),
        (_doc(), "text", None),
        (_doc(), "text.first", NOWHERE),
        (_doc(is_array_file=True), "text.first", NOWHERE),
        (_doc(), "texts", NOWHERE),
        (END, "x.anything", None),
        (END, "y", NOWHERE),
        (FORM, "name", None),
        (FORM, "name.first", NOWHERE),
        (FORM, "nmae", UNDECLARED),
        (FORM, "sys.query", None),
        (FORM, "photo.size", None),
        (FORM, "photo.extension", None),
        (FORM, "photo.width", NOWHERE),
        (FORM, "photo.name.first", NOWHERE),
        (FORM, "more.size", NOWHERE),
        (FORM, "data.any.thing", None),
        (FORM, "odd.any.thing", None),
        ({"type": "start"}, "sent", None),
        ({"type": "start", "variables": [3, {"variable": ["x"]}]}, "sent", None),
    ],
)
def test_outputs_of_every_node_type_are_known(
    data: dict[str, Any], selector: str, warning: str | None
) -> None:
    # A dot of the run's variables belongs to the name, every other one leads into a value.
    path = [selector] if selector.startswith("sys.") else selector.split(".")
    asking = {"type": "end", "outputs": [{"variable": "v", "value_selector": ["it", *path]}]}
    nodes = [
        *([] if data["type"] == "start" else [START]),
        {"id": "it", "data": data},
        {"id": "asks", "data": asking},
    ]
    assert _codes(nodes, []) == ([], [warning] if warning else [])


def test_an_extractors_parameters_are_outputs_with_types() -> None:
    nodes: list[Any] = [
        START,
        LLM
        | {
            "data": LLM["data"]
            | {
                "type": "parameter-extractor",
                "query": ["s", "q"],
                "parameters": [{"name": "city", "type": "string", "required": True}],
            }
        },
        {
            "id": "a",
            "data": {"type": "answer", "answer": "{{#l.city#}}{{#l.town#}}{{#l.city.name#}}"},
        },
    ]
    definition = WorkflowDefinition(mode="advanced-chat", graph={"nodes": nodes, "edges": []})
    messages = [each.message for each in compile_workflow(definition, CATALOGUE).report.warnings]
    assert messages == [
        (
            "l.town points at an output that 'l' does not have "
            "(it has: __is_success, __reason, __usage, city)"
        ),
        "l.city.name points at a part of l.city, which is string and has none",
    ]


ITERATION: dict[str, Any] = {
    "type": "iteration",
    "iterator_selector": ["sys", "files"],
    "output_selector": ["x", "answer"],
    "start_node_id": "is",
}
INSIDE: list[dict[str, Any]] = [
    {"id": "is", "parentId": "it", "data": {"type": "iteration-start"}},
    {"id": "x", "parentId": "it", "data": {"type": "answer", "answer": "hello"}},
]


def _with_iteration(changes: dict[str, Any], *edges: dict[str, Any]) -> tuple[list[str], list[str]]:
    container = {"id": "it", "data": {**ITERATION, **changes}}
    return _codes([START, container, *INSIDE], [_edge("s", "it"), _edge("is", "x"), *edges])


def test_an_iteration_as_it_should_be_has_no_findings() -> None:
    assert _with_iteration({}) == ([], [])


@pytest.mark.parametrize(
    ("changes", "errors", "warnings"),
    [
        ({"start_node_id": None}, ["no_start_in_container"], []),
        ({"start_node_id": "gone"}, ["no_start_in_container"], []),
        ({"output_selector": ["gone", "x"]}, [], ["selector_to_nowhere"]),
        ({"iterator_selector": ["gone", "x"]}, [], ["selector_to_nowhere"]),
        ({"iterator_selector": []}, ["missing_field"], []),
        ({"output_selector": []}, ["missing_field"], []),
        ({"error_handle_mode": "shrug"}, ["unknown_mode"], []),
        ({"parallel_nums": 0}, ["out_of_range"], []),
        ({"type": "loop"}, ["out_of_range"], []),
        ({"type": "loop", "loop_count": 2}, [], []),
    ],
)
def test_a_containers_own_mistakes_are_told(
    changes: dict[str, Any], errors: list[str], warnings: list[str]
) -> None:
    assert _with_iteration(changes) == (errors, warnings)


def test_a_circle_inside_a_container_is_an_error() -> None:
    assert _with_iteration({}, _edge("x", "is")) == (["cycle"], [])


def test_a_container_that_leads_to_itself_is_an_error() -> None:
    assert _with_iteration({}, _edge("x", "it")) == (["container_in_itself"], [])


def test_containers_that_lie_in_each_other_are_an_error() -> None:
    nodes: list[dict[str, Any]] = [
        START,
        {"id": "it", "data": {**ITERATION, "start_node_id": "ot"}},
        {"id": "ot", "data": {**ITERATION, "start_node_id": "it"}},
        INSIDE[1],
    ]
    errors, _ = _codes(nodes, [_edge("s", "x")])
    assert errors == ["container_in_itself", "container_in_itself"]


def test_the_nodes_inside_are_looked_at_too() -> None:
    unknown = {"id": "y", "parentId": "it", "data": {"type": "nonsense"}}
    errors, _ = _codes(
        [START, {"id": "it", "data": ITERATION}, *INSIDE, unknown],
        [_edge("s", "it"), _edge("is", "x"), _edge("x", "y")],
    )
    assert errors == ["unknown_node_type"]


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
        "answer", "break_conditions", "cases", "code", "default_value", "error_strategy", "headers",
        "iterator_selector", "loop_count", "loop_id", "loop_variables", "model", "output_selector",
        "outputs", "parallel_nums", "prompt_template", "retry_config", "start_node_id", "template",
        "title", "url", "variables",
    ]
)  # fmt: skip
RETRIES = st.fixed_dictionaries(
    {"retry_enabled": st.just(True), "max_retries": JSON, "retry_interval": st.floats()}
)


@st.composite
def _nodes(draw: st.DrawFn) -> Any:
    data = draw(st.dictionaries(FIELDS, JSON, max_size=5))
    data["type"] = draw(st.sampled_from(sorted(CATALOGUE)) | JSON)
    if "start_node_id" in data:
        data["start_node_id"] = draw(IDS)
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


def test_a_circle_is_told_by_its_own_nodes() -> None:
    def plain(node_id: str) -> dict[str, Any]:
        return ANSWER | {"id": node_id}

    nodes: list[Any] = [START, plain("behind"), plain("b"), plain("c")]
    edges: list[Any] = [_edge("s", "b"), _edge("b", "c"), _edge("c", "b"), _edge("c", "behind")]
    definition = WorkflowDefinition(mode="advanced-chat", graph={"nodes": nodes, "edges": edges})
    (told,) = compile_workflow(definition, CATALOGUE).report.errors
    assert (told.node_id, told.message.partition(": ")[2]) == ("b", "b -> c -> b")
