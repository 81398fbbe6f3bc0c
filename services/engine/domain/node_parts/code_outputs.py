"""What a code node may return: exactly its declared outputs, of their types and within limits.

The wording of a refusal is part of what imported workflows rely on (`error_message`).
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Value

MAX_TEXT = 400_000
MAX_DEPTH = 5
MAX_PRECISION = 20
MAX_NUMBER = 2**63 - 1
MIN_NUMBER = -(2**63)
MAX_NUMBERS = 1000
MAX_TEXTS = 30
MAX_OBJECTS = 30

OutputType = Literal[
    "string",
    "number",
    "boolean",
    "object",
    "array[string]",
    "array[number]",
    "array[object]",
    "array[boolean]",
]
_TYPES: dict[str, OutputType] = {
    "string": "string",
    "number": "number",
    "boolean": "boolean",
    "object": "object",
    "array[string]": "array[string]",
    "array[number]": "array[number]",
    "array[object]": "array[object]",
    "array[boolean]": "array[boolean]",
}


class CodeOutputError(ValueError):
    """`error_type` is the class name shown to the graph."""

    def __init__(self, message: str, error_type: str = "OutputValidationError") -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredOutput:
    """`children` None: an object may hold anything."""

    type: OutputType
    children: "CodeOutputs | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOutputs:
    """Declared outputs by name."""

    declared: dict[str, DeclaredOutput]

    @property
    def types(self) -> dict[str, ValueType | None]:
        """A boolean's is not known: any value passes for one."""
        return {
            name: None if each.type == "boolean" else ValueType(each.type)
            for name, each in self.declared.items()
        }

    def check(self, result: dict[str, Value]) -> dict[str, Value]:
        """The outputs in declared order, numbers and texts normalised. Raises CodeOutputError."""
        return _check_object(result, self, "", 1)


def parse_code_outputs(settings: SettingsReader, name: str = "outputs") -> CodeOutputs:
    outputs = settings.section(name)
    declared: dict[str, DeclaredOutput] = {}
    for key in settings.mapping(name):
        item = outputs.section(key)
        kind = _TYPES.get(item.text("type", required=True))
        if kind is None:
            item.report("unknown_type", "must be a type that code can return", "type")
            continue
        nested = parse_code_outputs(item, "children") if item.mapping("children") else None
        declared[key] = DeclaredOutput(type=kind, children=nested)
    return CodeOutputs(declared=declared)


def _check_object(
    result: dict[str, Value], outputs: CodeOutputs | None, path: str, depth: int
) -> dict[str, Value]:
    if depth > MAX_DEPTH:
        raise CodeOutputError(
            f"Depth limit {MAX_DEPTH} reached, object too deep.", "DepthLimitError"
        )
    if outputs is None:
        return _check_undeclared(result, path, depth)
    checked: dict[str, Value] = {}
    for name, declared in outputs.declared.items():
        here = f"{path}.{name}" if path else name
        if name not in result:
            raise CodeOutputError(f"Output {here} is missing.")
        checked[name] = _check_value(result[name], declared, here, depth)
    if len(checked) != len(result):
        raise CodeOutputError("Not all output parameters are validated.", "CodeNodeError")
    return checked


def _check_value(value: Value, declared: DeclaredOutput, path: str, depth: int) -> Value:
    if value is None:
        return None
    match declared.type:
        case "string":
            return _text(value, path)
        case "number":
            return _number(value, path)
        case "boolean":
            # The reference engine lets any value pass here, and workflows rely on it.
            return value
        case "object":
            if not isinstance(value, dict):
                raise CodeOutputError(f"Output {path} is not an object, got {type(value)} instead.")
            return _check_object(value, declared.children, path, depth + 1)
        case _:
            return _array(value, declared, path, depth)


def _array(value: Value, declared: DeclaredOutput, path: str, depth: int) -> list[Value]:
    if not isinstance(value, list):
        raise CodeOutputError(f"Output {path} is not an array, got {type(value)} instead.")
    limit = _LENGTHS.get(declared.type)
    if limit is not None and len(value) > limit:
        raise CodeOutputError(
            f"The length of output variable `{path}` must be less than {limit} elements."
        )
    return [_element(item, declared, path, position, depth) for position, item in enumerate(value)]


_LENGTHS = {"array[number]": MAX_NUMBERS, "array[string]": MAX_TEXTS, "array[object]": MAX_OBJECTS}


def _element(item: Value, declared: DeclaredOutput, path: str, position: int, depth: int) -> Value:
    here = f"{path}[{position}]"
    if declared.type == "array[number]":
        if not isinstance(item, (int, float)):
            raise CodeOutputError(
                f"The element at index {position} of output variable `{path}` must be a number."
            )
        return _number(item, here)
    if item is None:
        return None
    if declared.type == "array[string]":
        return _text(item, here)
    if declared.type == "array[boolean]":
        return _boolean(item, here)
    if not isinstance(item, dict):
        raise CodeOutputError(
            f"Output {here} is not an object, got {type(item)} instead at index {position}."
        )
    return _check_object(item, declared.children, here, depth + 1)


def _text(value: Value, path: str) -> str:
    if not isinstance(value, str):
        raise CodeOutputError(
            f"Output {path} must be a string, got {type(value).__name__} instead."
        )
    if len(value) > MAX_TEXT:
        raise CodeOutputError(
            f"The length of output variable `{path}` must be less than {MAX_TEXT} characters"
        )
    return value.replace("\x00", "")


def _boolean(value: Value, path: str) -> bool:
    if not isinstance(value, bool):
        raise CodeOutputError(f"Output {path} is not a boolean, got {type(value)} instead.")
    return value


def _number(value: Value, path: str) -> int | float:
    if not isinstance(value, (int, float)):
        raise CodeOutputError(f"Output {path} is not a number, got {type(value)} instead.")
    if isinstance(value, bool):
        return int(value)
    # An integer of any size is none, and too large a one is no float to ask about.
    is_none = isinstance(value, float) and math.isnan(value)
    if is_none or not MIN_NUMBER <= value <= MAX_NUMBER:
        raise CodeOutputError(
            f"Output variable `{path}` is out of range, "
            f"it must be between {MIN_NUMBER} and {MAX_NUMBER}."
        )
    if isinstance(value, float) and _decimals(value) > MAX_PRECISION:
        raise CodeOutputError(
            f"Output variable `{path}` has too high precision,"
            f" it must be less than {MAX_PRECISION} digits."
        )
    return value


def _decimals(value: float) -> int:
    return len(f"{Decimal(str(value)):f}".partition(".")[2])


def _check_undeclared(result: dict[str, Value], path: str, depth: int) -> dict[str, Value]:
    for name, value in result.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            _check_object(value, None, here, depth + 1)
        elif isinstance(value, list):
            _check_undeclared_list(value, here, depth)
        elif isinstance(value, str):
            _text(value, here)
        elif value is not None:
            _number(value, here)
    return result


def _check_undeclared_list(items: list[Value], path: str, depth: int) -> None:
    first = next((item for item in items if item is not None), None)
    kind = _undeclared_kind(first)
    if first is None:
        return
    if kind is None or not all(item is None or _undeclared_kind(item) == kind for item in items):
        raise CodeOutputError(
            f"Output {path} is not a valid array. make sure all elements are of the same type."
        )
    for position, item in enumerate(items):
        here = f"{path}[{position}]"
        if isinstance(item, dict):
            _check_object(item, None, here, depth + 1)
        elif isinstance(item, str):
            _text(item, here)
        elif isinstance(item, (int, float)):
            _number(item, here)


def _undeclared_kind(item: Value) -> OutputType | None:
    if isinstance(item, bool):
        return "array[boolean]"
    if isinstance(item, (int, float)):
        return "array[number]"
    if isinstance(item, str):
        return "array[string]"
    return "array[object]" if isinstance(item, dict) else None
