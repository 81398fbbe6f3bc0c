"""The assigner: what each operation does to each type, and what it refuses."""

from typing import Any

import pytest

from services.engine.domain.node_parts.node_contract import (
    Assigned,
    AssignsVariables,
    Node,
    VariableTypes,
)
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node

STRINGS = ValueType.ARRAY_STRING
FILE: dict[str, Value] = {"dify_model_identity": "__dify__file__", "type": "image"}


def _item(operation: str, value: Value = None, *, target: str = "v", constant: bool = True) -> Any:
    return {
        "variable_selector": ["conversation", target],
        "operation": operation,
        "input_type": "constant" if constant else "variable",
        "value": value,
    }


def _node(*items: dict[str, Any], types: VariableTypes | None = None) -> Node:
    node = parse_node({"type": "assigner", "version": "2", "items": list(items)})
    assert isinstance(node, AssignsVariables)
    return node.knowing(types or {})


def _first(data: dict[str, Any], types: VariableTypes | None = None) -> Node:
    node = parse_node({"type": "assigner", **data})
    assert isinstance(node, AssignsVariables)
    return node.knowing(types or {})


def _made(done: Drive) -> dict[str, Value]:
    assert done.result is not None, done.error
    return {".".join(each.selector): each.value for each in done.result.assigned}


def _changed(
    before: Value, kind: ValueType | None, operation: str, value: Value = None, **more: Any
) -> Drive:
    """One item on a variable of `kind`; from a variable where a constant is refused."""
    types = {} if kind is None else {("conversation", "v"): kind}
    scopes: dict[str, dict[str, Value]] = {"conversation": {"v": before}, "s": {"x": value}}
    given: Value = value if more.get("constant") else ["s", "x"]
    return drive(
        _node(_item(operation, given, constant=bool(more.get("constant"))), types=types), scopes
    )


@pytest.mark.parametrize(
    ("kind", "before", "operation", "value", "after"),
    [
        (ValueType.STRING, "a", "over-write", "b", "b"),
        (ValueType.STRING, "a", "set", "b", "b"),
        (ValueType.BOOLEAN, True, "set", False, False),
        (ValueType.NUMBER, 1, "set", 2.5, 2.5),
        (ValueType.NUMBER, 1, "over-write", 2, 2),
        (ValueType.OBJECT, {"a": 1}, "set", {"b": 2}, {"b": 2}),
        (ValueType.OBJECT, {"a": 1}, "set", '{"b": [2]}', {"b": [2]}),
        (ValueType.NUMBER, 1, "+=", 2, 3),
        (ValueType.NUMBER, 1.5, "-=", 1, 0.5),
        (ValueType.NUMBER, 3, "*=", 2.0, 6.0),
        (ValueType.NUMBER, 4, "/=", 2, 2.0),
    ],
)
def test_what_constants_do(
    kind: ValueType, before: Value, operation: str, value: Value, after: Value
) -> None:
    made = _made(_changed(before, kind, operation, value, constant=True))
    assert made == {"conversation.v": after}
    assert type(made["conversation.v"]) is type(after)


OF_VARIABLES: list[tuple[ValueType, Value, str, Value, Value]] = [
    (ValueType.STRING, "a", "over-write", "b", "b"),
    (ValueType.NUMBER, 1, "over-write", 2.5, 2.5),
    (STRINGS, ["a"], "over-write", [], []),
    (STRINGS, ["a"], "append", "b", ["a", "b"]),
    (STRINGS, [], "append", "b", ["b"]),
    (STRINGS, ["a"], "extend", ["b", "c"], ["a", "b", "c"]),
    (ValueType.ARRAY_NUMBER, [1], "append", 2.5, [1, 2.5]),
    (ValueType.ARRAY_BOOLEAN, [True], "append", False, [True, False]),
    (ValueType.ARRAY_OBJECT, [], "append", {"a": 1}, [{"a": 1}]),
    (ValueType.ARRAY_FILE, [], "append", FILE, [FILE]),
    (ValueType.ARRAY_ANY, [], "extend", [1, "a", {}], [1, "a", {}]),
    (STRINGS, ["a", "b"], "remove-first", None, ["b"]),
    (STRINGS, ["a", "b"], "remove-last", None, ["a"]),
    (STRINGS, [], "remove-first", None, []),
    (STRINGS, [], "remove-last", None, []),
    (STRINGS, ["a"], "clear", None, []),
    (ValueType.STRING, "a", "clear", None, ""),
    (ValueType.NUMBER, 7, "clear", None, 0),
    (ValueType.NUMBER, 7.5, "clear", None, 0.0),
    (ValueType.BOOLEAN, True, "clear", None, False),
    (ValueType.OBJECT, {"a": 1}, "clear", None, {}),
]


@pytest.mark.parametrize(("kind", "before", "operation", "value", "after"), OF_VARIABLES)
def test_what_variables_do(
    kind: ValueType, before: Value, operation: str, value: Value, after: Value
) -> None:
    if operation in {"clear", "remove-first", "remove-last"}:
        types = {("conversation", "v"): kind}
        node = _node(_item(operation, constant=False), types=types)
        done = drive(node, {"conversation": {"v": before}})
    else:
        done = _changed(before, kind, operation, value)
    made = _made(done)
    assert made == {"conversation.v": after}
    assert type(made["conversation.v"]) is type(after)


@pytest.mark.parametrize(
    ("kind", "before", "operation", "shown"),
    [
        (ValueType.STRING, "a", "append", "string"),
        (ValueType.STRING, "a", "+=", "string"),
        (ValueType.NUMBER, 1, "extend", "integer"),
        (ValueType.NUMBER, 1.0, "remove-last", "float"),
        (STRINGS, [], "set", "array[string]"),
        (STRINGS, [], "*=", "array[string]"),
        (None, [], "/=", "array[any]"),
    ],
)
def test_what_no_operation_of_the_type_is_fails(
    kind: ValueType | None, before: Value, operation: str, shown: str
) -> None:
    message, error_type = _changed(before, kind, operation, 1, constant=True).error
    assert message == f"Operation {operation} is not supported for type {shown}"
    assert error_type == "OperationNotSupportedError"


@pytest.mark.parametrize(
    ("kind", "before", "operation", "constant"),
    [
        (ValueType.STRING, "a", "clear", True),
        (STRINGS, ["a"], "remove-first", True),
        (STRINGS, ["a"], "append", True),
        (STRINGS, ["a"], "over-write", True),
        (ValueType.NUMBER, 1, "+=", False),
        (ValueType.STRING, "a", "set", False),
    ],
)
def test_some_operations_take_only_constants_and_others_none(
    kind: ValueType, before: Value, operation: str, constant: bool
) -> None:
    done = _changed(before, kind, operation, "x", constant=constant)
    given = "constant" if constant else "variable"
    assert done.error == (
        f"Input type {given} is not supported for operation {operation}",
        "InputTypeNotSupportedError",
    )


@pytest.mark.parametrize(
    ("kind", "before", "operation", "value", "constant"),
    [
        (ValueType.NUMBER, 2.0, "over-write", "b", False),
        (ValueType.NUMBER, 2.0, "/=", 0, True),
        (ValueType.STRING, "a", "set", 5, True),
        (ValueType.BOOLEAN, True, "set", 1, True),
        (ValueType.OBJECT, {}, "set", "[1]", True),
        (ValueType.OBJECT, {}, "set", "{", True),
        (ValueType.OBJECT, {}, "set", '{"a": NaN}', True),
        (ValueType.OBJECT, {}, "set", '{"a": -1e999}', True),
        (STRINGS, [], "append", 5, False),
        (STRINGS, [], "extend", "ab", False),
        (STRINGS, [], "extend", ["a", 5], False),
        (ValueType.ARRAY_OBJECT, [], "append", FILE, False),
        (ValueType.ARRAY_ANY, [], "append", [1], False),
    ],
)
def test_a_value_of_another_type_fails(
    kind: ValueType, before: Value, operation: str, value: Value, constant: bool
) -> None:
    done = _changed(before, kind, operation, value, constant=constant)
    assert done.error == (f"Invalid input value {value}", "InvalidInputValueError")


@pytest.mark.parametrize("value", [10**308, 1e308])
def test_a_result_that_no_json_can_hold_fails(value: Value) -> None:
    done = _changed(1e308, ValueType.NUMBER, "*=", value, constant=True)
    assert done.error[1] == "OverflowError"
    done = _changed(2**62, ValueType.NUMBER, "*=", 4, constant=True)
    assert done.error[1] == "OverflowError"


def test_items_see_what_those_before_them_did() -> None:
    node = _node(
        _item("+=", 1, target="n"),
        _item("*=", 10, target="n"),
        _item("over-write", ["conversation", "n"], target="copy", constant=False),
        types={("conversation", "n"): ValueType.NUMBER, ("conversation", "copy"): ValueType.NUMBER},
    )
    done = drive(node, {"conversation": {"n": 1, "copy": 0}})
    assert _made(done) == {"conversation.n": 20, "conversation.copy": 20}
    assert done.result is not None
    assert done.result.outputs == {}
    assert done.result.process_data == {
        "n": 20,
        "copy": 20,
        "__updated_variables": [
            {
                "name": name,
                "selector": ["conversation", name],
                "value_type": "integer",
                "new_value": 20,
            }
            for name in ("n", "copy")
        ],
    }


def test_nothing_is_changed_where_one_item_fails() -> None:
    node = _node(_item("set", "b"), _item("+=", 1, target="s"))
    done = drive(node, {"conversation": {"v": "a", "s": "x"}})
    assert done.error[1] == "OperationNotSupportedError"
    assert done.failure is not None
    assert [*done.failure.inputs] == ["items"]


def test_a_null_changes_nothing_and_a_missing_source_fails() -> None:
    node = _node(_item("over-write", ["s", "x"], constant=False))
    done = drive(node, {"conversation": {"v": "a"}, "s": {"x": None}})
    assert _made(done) == {}
    done = drive(node, {"conversation": {"v": "a"}})
    assert done.error == ("Variable ['s', 'x'] not found", "VariableNotFoundError")


@pytest.mark.parametrize("selector", [["conversation", "nobody"], ["conversation", "v", "deeper"]])
def test_a_target_must_be_a_variable(selector: list[Value]) -> None:
    node = _node({**_item("clear", constant=False), "variable_selector": selector})
    done = drive(node, {"conversation": {"v": {"deeper": 1}}})
    assert done.error == (f"Variable {selector} not found", "VariableNotFoundError")


def test_a_part_of_what_was_changed_can_be_read() -> None:
    node = _node(
        _item("set", {"k": "deep"}, target="o"),
        _item("over-write", ["conversation", "o", "k"], constant=False),
        types={("conversation", "o"): ValueType.OBJECT},
    )
    done = drive(node, {"conversation": {"o": {}, "v": "a"}})
    assert _made(done)["conversation.v"] == "deep"


def test_the_first_version_has_one_item_and_asks_for_no_types() -> None:
    data = {
        "version": "1",
        "assigned_variable_selector": ["conversation", "v"],
        "write_mode": "over-write",
        "input_variable_selector": ["s", "x"],
    }
    done = drive(_first(data), {"conversation": {"v": "a"}, "s": {"x": 5}})
    assert done.result is not None
    assert done.result.assigned == (Assigned(selector=("conversation", "v"), value=5),)
    assert done.result.inputs == {"value": 5}
    assert done.result.outputs == {}


def test_the_first_version_appends_and_clears() -> None:
    target = {"assigned_variable_selector": ["conversation", "v"]}
    append = {**target, "write_mode": "append", "input_variable_selector": ["s", "x"]}
    scopes: dict[str, dict[str, Value]] = {"conversation": {"v": ["a"]}, "s": {"x": 5}}
    assert _made(drive(_first(append), scopes)) == {"conversation.v": ["a", 5]}
    types = {("conversation", "v"): STRINGS}
    clear = {**target, "write_mode": "clear"}
    assert _made(drive(_first(clear, types), scopes)) == {"conversation.v": []}


def test_the_first_version_fails_in_its_own_words() -> None:
    data = {
        "assigned_variable_selector": ["conversation", "v"],
        "write_mode": "append",
        "input_variable_selector": ["s", "x"],
    }
    assert drive(_first(data)).error[0] == "assigned variable not found"
    assert drive(_first(data), {"conversation": {"v": []}}).error[0] == "input value not found"
    done = drive(_first(data), {"conversation": {"v": "a"}, "s": {"x": 5}})
    assert done.error[0] == "Operation append is not supported for type string"


def test_what_cannot_run_is_told_before_a_run() -> None:
    data: dict[str, Value] = {
        "type": "assigner",
        "version": "2",
        "items": [
            _item("negate", 1),
            {**_item("set", 1), "variable_selector": ["env", "key"]},
            {**_item("set", 1), "input_type": "prayer"},
            _item("clear"),
            {"operation": "clear", "input_type": "variable"},
        ],
    }
    found = [(each.code, each.severity) for each in parse_node(data).problems]
    assert found == [
        ("unknown_operation", "error"),
        ("not_assignable", "error"),
        ("unknown_input_type", "error"),
        ("unsupported_input", "warning"),
        ("missing_field", "error"),
    ]
