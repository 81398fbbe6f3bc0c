"""Names of value types, and which one a value has."""

from enum import StrEnum
from typing import assert_never

from services.engine.domain.variables.files import is_file
from services.engine.domain.variables.values import Value


class ValueType(StrEnum):
    """What the editor calls a type. `integer` and `float` are both shown as `number`, which is what
    an author declares; no value is inferred to be it."""

    NONE = "none"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    NUMBER = "number"
    STRING = "string"
    OBJECT = "object"
    FILE = "file"
    ARRAY_STRING = "array[string]"
    ARRAY_NUMBER = "array[number]"
    ARRAY_BOOLEAN = "array[boolean]"
    ARRAY_OBJECT = "array[object]"
    ARRAY_FILE = "array[file]"
    ARRAY_ANY = "array[any]"


_ARRAYS = {
    ValueType.BOOLEAN: ValueType.ARRAY_BOOLEAN,
    ValueType.INTEGER: ValueType.ARRAY_NUMBER,
    ValueType.FLOAT: ValueType.ARRAY_NUMBER,
    ValueType.STRING: ValueType.ARRAY_STRING,
    ValueType.OBJECT: ValueType.ARRAY_OBJECT,
    ValueType.FILE: ValueType.ARRAY_FILE,
}


def infer_type(value: Value) -> ValueType:
    """The type of `value`. Mixed, nested, null-holding and empty lists are `array[any]`."""
    match value:
        case None:
            return ValueType.NONE
        # A bool is an int to Python, so it is asked for first.
        case bool():
            return ValueType.BOOLEAN
        case int():
            return ValueType.INTEGER
        case float():
            return ValueType.FLOAT
        case str():
            return ValueType.STRING
        case dict():
            return ValueType.FILE if is_file(value) else ValueType.OBJECT
        case list():
            return _infer_array(value)
        case _:
            assert_never(value)


def _infer_array(items: list[Value]) -> ValueType:
    kinds = {_array_of(item) for item in items}
    return kinds.pop() if len(kinds) == 1 else ValueType.ARRAY_ANY


def _array_of(item: Value) -> ValueType:
    # A list inside a list is not looked into: however deep it goes, it makes `array[any]`.
    if isinstance(item, list):
        return ValueType.ARRAY_ANY
    return _ARRAYS.get(infer_type(item), ValueType.ARRAY_ANY)


_ITEMS = {
    ValueType.ARRAY_BOOLEAN: ValueType.BOOLEAN,
    ValueType.ARRAY_NUMBER: ValueType.NUMBER,
    ValueType.ARRAY_STRING: ValueType.STRING,
    ValueType.ARRAY_OBJECT: ValueType.OBJECT,
    ValueType.ARRAY_FILE: ValueType.FILE,
}
_NAMES = frozenset(kind.value for kind in ValueType)
_NUMBERS = frozenset({ValueType.NUMBER, ValueType.INTEGER, ValueType.FLOAT})


def named_type(name: str) -> ValueType | None:
    """The type called `name`, None where none is."""
    return ValueType(name) if name in _NAMES else None


def is_number_type(kind: ValueType) -> bool:
    return kind in _NUMBERS


def is_array_type(kind: ValueType) -> bool:
    return kind in _ITEMS or kind is ValueType.ARRAY_ANY


def fits(value: Value, kind: ValueType) -> bool:
    """Whether a variable that was declared as `kind` may hold `value`.

    As on Dify, true and false are numbers too, a whole number is as good as any other, and a list
    of anything has no lists and no nulls in it.
    """
    if is_array_type(kind):
        return isinstance(value, list) and all(fits_item(item, kind) for item in value)
    if kind in _NUMBERS:
        return isinstance(value, int | float)
    if kind is ValueType.OBJECT:
        return isinstance(value, dict) and not is_file(value)
    return kind is not ValueType.NONE and infer_type(value) is kind


def fits_item(item: Value, array: ValueType) -> bool:
    """Whether a list that was declared as `array` may hold `item`."""
    if array is ValueType.ARRAY_ANY:
        return isinstance(item, str | int | float | dict)
    return fits(item, _ITEMS[array])


def zero_value(kind: ValueType) -> Value:
    """What a variable of `kind` holds when there is nothing in it."""
    if is_array_type(kind):
        return []
    return _ZEROS.get(kind)


_ZEROS: dict[ValueType, Value] = {
    ValueType.STRING: "",
    ValueType.BOOLEAN: False,
    ValueType.INTEGER: 0,
    ValueType.NUMBER: 0,
    ValueType.FLOAT: 0.0,
    ValueType.OBJECT: {},
}
