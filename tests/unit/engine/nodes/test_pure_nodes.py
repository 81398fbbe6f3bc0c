from typing import Any

import pytest

from services.engine.domain.node_parts.node_contract import OutputSegment
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import drive, parse_node


def test_start_offers_inputs_and_what_the_run_began_with() -> None:
    done = drive(
        parse_node({"type": "start", "variables": []}),
        {"sys": {"query": "hi", "files": []}, "env": {"k": "v"}, "conversation": {"n": 1}},
        inputs={"q": 5},
    )
    assert done.outputs == {
        "sys.query": "hi",
        "sys.files": [],
        "env.k": "v",
        "conversation.n": 1,
        "q": 5,
    }


def test_end_answers_null_for_what_is_missing() -> None:
    data: dict[str, Value] = {
        "type": "end",
        "outputs": [
            {"variable": "r", "value_selector": ["c", "r"]},
            {"variable": "o", "value_selector": ["start", "q"], "value_type": "string"},
        ],
    }
    assert drive(parse_node(data), {"c": {"r": "ok"}}).outputs == {"r": "ok", "o": None}
    template = CATALOGUE["end"].response_template
    assert template is not None
    assert template(data) == (
        OutputSegment(selector=("c", "r")),
        OutputSegment(text="\n"),
        OutputSegment(selector=("start", "q")),
    )


def test_answer_renders_every_type_for_people() -> None:
    data: dict[str, Value] = {
        "type": "answer",
        "answer": "{{#c.o#}}|{{#c.l#}}|{{#c.b#}}|{{#c.z#}}|{{#c.nope#}}",
    }
    variables: dict[str, Value] = {"o": {"k": "é"}, "l": ["a", "b"], "b": True, "z": None}
    done = drive(parse_node(data), {"c": variables})
    assert done.outputs == {"answer": '{\n  "k": "é"\n}|- a\n- b|True||c.nope', "files": []}
    template = CATALOGUE["answer"].response_template
    assert template is not None
    assert template({"answer": "x{{#c.o#}}"}) == (
        OutputSegment(text="x"),
        OutputSegment(selector=("c", "o")),
    )


def test_an_answer_names_the_files_that_it_shows() -> None:
    cat: dict[str, Value] = {"type": "image", "transfer_method": "remote_url", "url": "https://x/c"}
    plan: Value = {
        "dify_model_identity": "__dify__file__",
        "type": "document",
        "transfer_method": "local_file",
        "remote_url": None,
        "filename": "plan.pdf",
        "url": "https://heddle.example.test/files/t",
    }
    data: dict[str, Value] = {"type": "answer", "answer": "{{#c.all#}} {{#c.one#}} {{#c.text#}}"}
    files: dict[str, Value] = {"all": [plan, cat], "one": cat, "text": ["a"]}
    assert drive(parse_node(data), {"c": files}).outputs == {
        "answer": "[plan.pdf](https://heddle.example.test/files/t)\n![c](https://x/c) "
        "![c](https://x/c) - a",
        "files": [plan, cat, cat],
    }


def _branch(operator: str, value: Value) -> dict[str, Value]:
    return {
        "type": "if-else",
        "cases": [
            {
                "case_id": "a",
                "logical_operator": "and",
                "conditions": [
                    {
                        "variable_selector": ["start", "q"],
                        "comparison_operator": operator,
                        "value": value,
                    }
                ],
            }
        ],
    }


TAKEN: list[tuple[Value, str, Value, str]] = [
    (5, ">", "4.5", "a"),
    (["a", "b"], "contains", "a", "a"),
    (0, "empty", "", "a"),
    (True, "is", True, "a"),
    (True, "is", "true", "a"),
    ([], "not empty", "", "false"),
    ("", "contains", "x", "false"),
    ("hello", "contains", "{{#start.part#}}", "a"),
]


@pytest.mark.parametrize(("actual", "operator", "value", "handle"), TAKEN)
def test_if_else_takes_a_branch(actual: Value, operator: str, value: Value, handle: str) -> None:
    done = drive(parse_node(_branch(operator, value)), {"start": {"q": actual, "part": "ell"}})
    assert done.result is not None
    assert done.result.handle == handle
    assert done.outputs == {"result": handle == "a", "selected_case_id": handle}


REFUSED: list[tuple[Value, str, Value, str]] = [
    (5, "=", "5.0", "invalid literal for int() with base 10: '5.0'"),
    (5, "is", "5", "Invalid actual value type: string or boolean"),
    (5, ">", "x", "Cannot convert 'x' to number"),
    ("a", "in", "abc", "Invalid expected value type: array"),
    ({"a": 1}, "contains", "a", "Invalid actual value type: string or array"),
    ("a", "=", "a", "Invalid actual value type: number or boolean"),
]


@pytest.mark.parametrize(("actual", "operator", "value", "error"), REFUSED)
def test_if_else_refuses_in_the_words_that_workflows_know(
    actual: Value, operator: str, value: Value, error: str
) -> None:
    done = drive(parse_node(_branch(operator, value)), {"start": {"q": actual}})
    assert done.error[0] == error


def test_if_else_fails_without_its_variable() -> None:
    done = drive(parse_node(_branch("is", "1")), {"start": {}})
    assert done.error == ("Variable ['start', 'q'] not found", "WorkflowNodeError")


def test_if_else_stops_at_the_first_condition_that_decides() -> None:
    data: dict[str, Value] = {
        "type": "if-else",
        "logical_operator": "or",
        "conditions": [
            {"variable_selector": ["s", "a"], "comparison_operator": "is", "value": "x"},
            {"variable_selector": ["s", "gone"], "comparison_operator": "is", "value": "x"},
        ],
    }
    done = drive(parse_node(data), {"s": {"a": "x"}})
    assert done.outputs == {"result": True, "selected_case_id": "true"}


def test_template_shows_none_for_a_declared_name_and_nothing_for_another() -> None:
    data: dict[str, Value] = {
        "type": "template-transform",
        "template": "[{{ a }}][{{ c }}]\r\n{{ l|join(', ') }}\n",
        "variables": [
            {"variable": "a", "value_selector": ["start", "none"]},
            {"variable": "l", "value_selector": ["start", "l"]},
        ],
    }
    done = drive(parse_node(data), {"start": {"l": [1, 2]}})
    assert done.outputs == {"output": "[None][]\n1, 2"}


TEMPLATE_PROBLEMS = [
    ("{{ a", "template_syntax"),
    ("line\n{% include 'x' %}", "template_unsupported"),
    ("{{ a|attr('b') }}", "template_unsupported"),
    ("{% macro m() %}{% endmacro %}", "template_unsupported"),
]


@pytest.mark.parametrize(("template", "code"), TEMPLATE_PROBLEMS)
def test_a_template_that_cannot_run_is_a_problem_of_its_field(template: str, code: str) -> None:
    node = parse_node({"type": "template-transform", "template": template})
    assert [(problem.code, problem.field) for problem in node.problems] == [(code, "template")]
    assert node.problems[0].message.startswith("line ")


def test_the_aggregator_takes_the_first_that_exists_even_if_null() -> None:
    data: dict[str, Value] = {
        "type": "variable-assigner",
        "variables": [["t1", "output"], ["t2", "output"], ["t3", "output"]],
    }
    node = parse_node(data)
    assert drive(node, {"t2": {"output": None}, "t3": {"output": "F"}}).outputs == {"output": None}
    assert drive(node, {"t3": {"output": "F"}}).outputs == {"output": "F"}
    assert drive(node).outputs == {}


def test_the_aggregator_groups() -> None:
    data: dict[str, Value] = {
        "type": "variable-aggregator",
        "variables": [],
        "advanced_settings": {
            "group_enabled": True,
            "groups": [
                {"group_name": "G1", "variables": [["a", "x"], ["b", "x"]]},
                {"group_name": "G2", "variables": [["gone", "x"]]},
            ],
        },
    }
    assert drive(parse_node(data), {"b": {"x": 2}}).outputs == {"G1": {"output": 2}}


# Whatever a file holds, parsing answers with problems and never raises.
ODD: list[Any] = [None, 1, "x", [], [1], {}, {"a": 1}, [[]], [{}], True]
FIELDS = [
    "variables", "outputs", "answer", "cases", "conditions", "template", "code", "code_language",
    "advanced_settings", "model", "prompt_template", "memory", "context", "vision", "method", "url",
    "headers", "params", "body", "authorization", "timeout", "prompt_config", "structured_output",
    "structured_output_switch_on", "retry_config", "error_strategy", "reasoning_format", "classes",
    "query_variable_selector", "instruction", "query", "parameters", "reasoning_mode", "variable",
    "filter_by", "extract_by", "order_by", "limit",
]  # fmt: skip


@pytest.mark.parametrize("node_type", sorted(CATALOGUE))
def test_parsing_never_raises(node_type: str) -> None:
    for name in FIELDS:
        for value in ODD:
            node = CATALOGUE[node_type].parse("n", {"type": node_type, name: value})
            assert isinstance(node.references, tuple)
            assert all(problem.field for problem in node.problems)
