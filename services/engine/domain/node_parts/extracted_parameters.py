"""Parameters that a model reads out of a text: their schema, and what its answer makes of them.

What counts as a valid answer, and in which words one is refused, is what imported workflows rely
on. A refused answer still gives every parameter a value of its type.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.engine.domain.node_parts.found_json import real_number, whole_number
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.types import ValueType, infer_type
from services.engine.domain.variables.values import Value

RESERVED = frozenset({"__reason", "__is_success"})
_TYPES = {
    "string": ValueType.STRING,
    "number": ValueType.NUMBER,
    "boolean": ValueType.BOOLEAN,
    "array[string]": ValueType.ARRAY_STRING,
    "array[number]": ValueType.ARRAY_NUMBER,
    "array[object]": ValueType.ARRAY_OBJECT,
    "array[boolean]": ValueType.ARRAY_BOOLEAN,
    # Names of older exports.
    "bool": ValueType.BOOLEAN,
    "select": ValueType.STRING,
}
_ELEMENTS = {
    ValueType.ARRAY_STRING: ValueType.STRING,
    ValueType.ARRAY_NUMBER: ValueType.NUMBER,
    ValueType.ARRAY_OBJECT: ValueType.OBJECT,
    ValueType.ARRAY_BOOLEAN: ValueType.BOOLEAN,
}
_PYTHON_TYPES: dict[ValueType, type | tuple[type, ...]] = {
    ValueType.STRING: str,
    # A boolean passes for a number here and becomes 0 or 1.
    ValueType.NUMBER: (int, float),
    ValueType.BOOLEAN: bool,
    ValueType.OBJECT: dict,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """`options` are the only texts allowed; none of them: any text."""

    name: str
    type: ValueType
    description: str
    required: bool
    options: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Value]:
        element = _ELEMENTS.get(self.type)
        schema: dict[str, Value] = {"description": self.description}
        if element is None:
            schema["type"] = self.type.value
        else:
            schema |= {"type": "array", "items": {"type": element.value}}
        if self.options:
            schema["enum"] = [*self.options]
        return schema

    @property
    def as_data(self) -> dict[str, Value]:
        return {
            "name": self.name,
            "type": self.type.value,
            "description": self.description,
            "required": self.required,
            "options": [*self.options] or None,
        }


def schema_of(parameters: Sequence[Parameter]) -> dict[str, Value]:
    """The JSON Schema of an answer."""
    return {
        "type": "object",
        "properties": {each.name: each.schema for each in parameters},
        "required": [each.name for each in parameters if each.required],
    }


def empty_scalars(parameters: Sequence[Parameter]) -> dict[str, Value]:
    """What stands for an answer that holds no object: lists are left out."""
    scalars = (each for each in parameters if each.type not in _ELEMENTS)
    return {each.name: _empty(each.type) for each in scalars}


def refusal(parameters: Sequence[Parameter], found: dict[str, Value]) -> str | None:
    """What is wrong with `found`, None where nothing is."""
    if len(parameters) != len(found):
        return "Invalid number of parameters"
    for each in parameters:
        if each.required and each.name not in found:
            return f"Parameter {each.name} is required"
        value = found.get(each.name)
        if not _fits(value, each.type):
            return (
                f"Invalid value for parameter {each.name}, expected segment type: {each.type}, "
                f"actual_type: {infer_type(value)}, python_type: {type(value)}, value: {value}"
            )
        if each.type is ValueType.STRING and each.options and value not in each.options:
            return f"Invalid `select` value for parameter {each.name}"
    return None


def values_of(parameters: Sequence[Parameter], found: dict[str, Value]) -> dict[str, Value]:
    """A value of its type for every parameter; empty where `found` has none that could be one."""
    values: dict[str, Value] = {}
    for each in parameters:
        value = _value(found.get(each.name), each.type)
        values[each.name] = _empty(each.type) if value is None else value
    return values


def _fits(value: Value, kind: ValueType) -> bool:
    element = _ELEMENTS.get(kind)
    if element is None:
        return isinstance(value, _PYTHON_TYPES[kind])
    return isinstance(value, list) and all(_fits(item, element) for item in value)


def _empty(kind: ValueType) -> Value:
    match kind:
        case ValueType.STRING:
            return ""
        case ValueType.NUMBER:
            return 0
        case ValueType.BOOLEAN:
            return False
        case _:
            return []


def _value(value: Value, kind: ValueType) -> Value:
    element = _ELEMENTS.get(kind)
    if element is None:
        return _SCALARS[kind](value)
    if not isinstance(value, list):
        return None
    read = _ITEMS[element]
    return [item for item in map(read, value) if item is not None]


def _text(value: Value) -> Value:
    return value if isinstance(value, str) else None


def _number(value: Value) -> Value:
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, str):
        return value if isinstance(value, int | float) else None
    try:
        return real_number(value) if "." in value else whole_number(value)
    except ValueError:
        return None


def _boolean(value: Value) -> Value:
    return bool(value) if isinstance(value, int) else None


def _strict_boolean(value: Value) -> Value:
    return value if isinstance(value, bool) else None


def _object(value: Value) -> Value:
    return value if isinstance(value, dict) else None


_SCALARS: dict[ValueType, Callable[[Value], Value]] = {
    ValueType.STRING: _text,
    ValueType.NUMBER: _number,
    ValueType.BOOLEAN: _boolean,
}
_ITEMS: dict[ValueType, Callable[[Value], Value]] = {
    ValueType.STRING: _text,
    ValueType.NUMBER: _number,
    ValueType.BOOLEAN: _strict_boolean,
    ValueType.OBJECT: _object,
}


def parse_parameters(settings: SettingsReader) -> tuple[Parameter, ...]:
    """From the node's `parameters`; what is wrong is reported to `settings`."""
    return tuple(_parse_parameter(item) for item in settings.items("parameters"))


def _parse_parameter(settings: SettingsReader) -> Parameter:
    name = settings.text("name", required=True)
    if name in RESERVED:
        settings.report("reserved_name", f"{name} is an output of the node itself", "name")
    written = settings.text("type", required=True)
    kind = _TYPES.get(written)
    if kind is None and written:
        settings.report("unknown_type", f"{written} is no type of a parameter", "type")
    options = settings.raw("options")
    return Parameter(
        name=name,
        type=kind or ValueType.STRING,
        description=settings.text("description"),
        required=settings.flag("required"),
        options=tuple(str(each) for each in options) if isinstance(options, list) else (),
    )
