"""Giving a variable another value: what may be done to which type, and what comes of it."""

import json
import math
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import Assigned, NodeFailure
from services.engine.domain.variables.types import (
    ValueType,
    fits,
    fits_item,
    infer_type,
    is_array_type,
    is_number_type,
    zero_value,
)
from services.engine.domain.variables.values import Selector, Value

OVER_WRITE, CLEAR, SET = "over-write", "clear", "set"
APPEND, EXTEND = "append", "extend"
ARITHMETIC = frozenset({"+=", "-=", "*=", "/="})
WITHOUT_INPUT = frozenset({CLEAR, "remove-first", "remove-last"})
OF_LISTS = frozenset({APPEND, EXTEND, "remove-first", "remove-last"})
OPERATIONS = frozenset({OVER_WRITE, SET}) | WITHOUT_INPUT | OF_LISTS | ARITHMETIC
CONSTANTS_ONLY = ARITHMETIC | {SET}
NO_CONSTANTS = OF_LISTS | {CLEAR}

_SETTABLE = frozenset({ValueType.OBJECT, ValueType.STRING, ValueType.BOOLEAN})
_WHOLE_NUMBERS = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A variable as it is before a change."""

    selector: Selector
    value: Value
    kind: ValueType


def not_found(selector: Value) -> NodeFailure:
    return NodeFailure(f"Variable {selector} not found", error_type="VariableNotFoundError")


def kind_of(value: Value, declared: ValueType | None) -> ValueType:
    """The type of a variable that holds `value`: the one that it was declared with, unless it has
    outgrown that. A number is told to be whole or not."""
    if declared is None or not (value is None or fits(value, declared)):
        return infer_type(value)
    if is_number_type(declared) and value is not None:
        return ValueType.FLOAT if isinstance(value, float) else ValueType.INTEGER
    return declared


def check_kinds(kind: ValueType, operation: str, *, constant: bool) -> None:
    """Raises NodeFailure where the operation is none for the type, or not with such an input.
    `constant`: the author wrote the value himself."""
    if not _is_supported(operation, kind):
        raise NodeFailure(
            f"Operation {operation} is not supported for type {kind}",
            error_type="OperationNotSupportedError",
        )
    if constant:
        allowed = (kind in _SETTABLE or is_number_type(kind)) and operation not in NO_CONSTANTS
    else:
        allowed = operation not in CONSTANTS_ONLY
    if not allowed:
        given = "constant" if constant else "variable"
        raise NodeFailure(
            f"Input type {given} is not supported for operation {operation}",
            error_type="InputTypeNotSupportedError",
        )


def changed(target: Target, operation: str, value: Value = None) -> Value:
    """What the variable holds after `operation` with `value`, which some take none of. Raises
    NodeFailure where the value is none for it."""
    if operation == SET and target.kind is ValueType.OBJECT and isinstance(value, str):
        value = _parsed(value)
    if operation not in WITHOUT_INPUT and not _is_valid(target.kind, operation, value):
        raise _invalid(value)
    if operation == CLEAR:
        return zero_value(target.kind)
    if operation in {OVER_WRITE, SET}:
        return value
    if operation in ARITHMETIC:
        return _computed(target.value, operation, value)
    return _listed(target.value, operation, value)


def appended(target: Target, value: Value) -> Value:
    """`value` behind the items of a list, whatever type it has. Raises NodeFailure."""
    if not isinstance(target.value, list):
        raise NodeFailure(f"Operation append is not supported for type {target.kind}")
    return [*target.value, value]


def updated_variables(made: dict[Selector, Assigned], kinds: dict[Selector, ValueType]) -> Value:
    """What the node's process data tell of its changes."""
    return [
        {
            "name": selector[1],
            "selector": [*selector],
            "value_type": str(kind_of(each.value, kinds[selector])),
            "new_value": each.value,
        }
        for selector, each in made.items()
    ]


def _is_supported(operation: str, kind: ValueType) -> bool:
    if operation in {OVER_WRITE, CLEAR}:
        return True
    if operation in OF_LISTS:
        return is_array_type(kind)
    return is_number_type(kind) or (operation == SET and kind in _SETTABLE)


def _is_valid(kind: ValueType, operation: str, value: Value) -> bool:
    if operation == APPEND:
        return fits_item(value, kind)
    if not fits(value, kind):
        return False
    return operation != "/=" or value != 0


def _computed(before: Value, operation: str, value: Value) -> Value:
    if not isinstance(before, int | float) or not isinstance(value, int | float):
        raise _invalid(value)
    try:
        match operation:
            case "+=":
                result = before + value
            case "-=":
                result = before - value
            case "*=":
                result = before * value
            case _:
                result = before / value
    except OverflowError:
        result = math.inf
    # Infinity is no JSON, and a whole number could grow without end.
    if isinstance(result, float) and math.isfinite(result):
        return result
    if isinstance(result, int) and result in _WHOLE_NUMBERS:
        return result
    raise NodeFailure(f"The result of {operation} is out of range", error_type="OverflowError")


def _listed(before: Value, operation: str, value: Value) -> Value:
    items = before if isinstance(before, list) else []
    match operation:
        case "append":
            return [*items, value]
        case "extend":
            return [*items, *(value if isinstance(value, list) else [])]
        case "remove-first":
            return items[1:]
        case _:
            return items[:-1]


def _parsed(text: str) -> Value:
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise _invalid(text) from error


def _finite(text: str) -> float:
    """Raises ValueError for what Python reads and no JSON can say."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _invalid(value: Value) -> NodeFailure:
    return NodeFailure(f"Invalid input value {value}", error_type="InvalidInputValueError")
