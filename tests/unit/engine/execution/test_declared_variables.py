"""Conversation variables as a workflow declares them, and what a run begins with."""

import pytest
from pydantic import JsonValue

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import compile_workflow
from services.engine.domain.execution.conversation_variables import (
    declared_variables,
    first_values,
)
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.sizes import VARIABLE_BYTES

START: JsonValue = {"id": "s", "data": {"type": "start"}}


def _definition(
    *variables: dict[str, JsonValue], environment: tuple[dict[str, JsonValue], ...] = ()
) -> WorkflowDefinition:
    answer: JsonValue = {"type": "answer", "answer": "{{#conversation.n#}}{{#conversation.x#}}"}
    return WorkflowDefinition(
        mode="advanced-chat",
        graph={
            "nodes": [START, {"id": "a", "data": answer}],
            "edges": [{"source": "s", "target": "a"}],
        },
        environment_variables=environment,
        conversation_variables=variables,
    )


def _variable(value_type: str, value: JsonValue, name: str = "n") -> dict[str, JsonValue]:
    return {"id": "1", "name": name, "value_type": value_type, "value": value}


def _errors(
    definition: WorkflowDefinition, variable_bytes: int = VARIABLE_BYTES
) -> list[tuple[str, str | None]]:
    report = compile_workflow(definition, CATALOGUE, variable_bytes=variable_bytes).report
    return [(each.message, each.field) for each in report.errors]


DECLARED: list[tuple[str, JsonValue]] = [
    ("string", ""),
    ("number", 1),
    ("number", 1.5),
    ("integer", 1),
    ("float", 2.0),
    ("boolean", True),
    ("object", {}),
    ("array[string]", []),
    ("array[number]", [1, 2.5]),
    ("array[object]", [{}]),
    ("array[boolean]", [True]),
]


@pytest.mark.parametrize(("value_type", "value"), DECLARED)
def test_every_type_can_be_declared(value_type: str, value: JsonValue) -> None:
    assert _errors(_definition(_variable(value_type, value))) == []


@pytest.mark.parametrize(
    ("variable", "wrong"),
    [
        (_variable("tensor", 1), "not supported value type tensor"),
        (_variable("none", None), "not supported value type none"),
        (_variable("secret", "x"), "not supported value type secret"),
        (_variable("number", "1"), "its first value is no number"),
        (_variable("object", []), "its first value is no object"),
        (_variable("array[number]", [1, "2"]), "its first value is no array[number]"),
        (_variable("string", "x" * 11), "variable size 11 exceeds limit 10"),
        (_variable("string", "x", name="a\0b"), "its name is empty or cannot be written"),
        (_variable("string", "x", name="a\ud800"), "its name is empty or cannot be written"),
    ],
)
def test_what_cannot_be_kept_is_told(variable: dict[str, JsonValue], wrong: str) -> None:
    ((message, field),) = _errors(_definition(variable), variable_bytes=10)
    assert message.endswith(wrong)
    assert field == "conversation_variables.0"


def test_a_name_is_declared_once() -> None:
    twice = _definition(_variable("string", "x"), _variable("number", 1))
    ((message, field),) = _errors(twice)
    assert message.endswith("another one has the same name")
    assert field == "conversation_variables.1"


def test_a_variable_of_the_environment_is_bounded_too() -> None:
    large = _definition(environment=({"name": "e", "value_type": "string", "value": "x" * 11},))
    assert _errors(large, variable_bytes=10) == [
        (
            "the environment variable 'e': variable size 11 exceeds limit 10",
            "environment_variables.0",
        )
    ]


def test_a_reference_to_what_is_not_declared_is_told() -> None:
    report = compile_workflow(_definition(_variable("number", 1)), CATALOGUE).report
    (warning,) = report.warnings
    assert warning.code == "selector_to_nowhere"
    assert warning.message == (
        "conversation.x points at a conversation variable that is not declared"
    )


def test_a_run_begins_with_what_was_kept_where_it_fits() -> None:
    declared = declared_variables(
        _definition(
            _variable("number", 1, "kept"),
            _variable("number", 2, "outgrown"),
            _variable("string", "s", "given"),
            _variable("string", "s", "both"),
            _variable("tensor", "s", "untyped"),
        )
    )
    given: dict[str, JsonValue] = {"given": "g", "both": "g", "extra": 0}
    kept: dict[str, JsonValue] = {
        "kept": 5,
        "outgrown": "text",
        "both": "k",
        "untyped": 7,
        "undeclared": 9,
    }
    assert first_values(declared, given, kept) == {
        "kept": 5,
        "outgrown": 2,
        "given": "g",
        "both": "k",
        "untyped": 7,
        "extra": 0,
    }
