"""Checks what a run is given against what its start node declares, whoever gives it."""

import math
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from libs.common.errors import ErrorDetail, InvalidInput

_TEXTS = frozenset({"text-input", "paragraph"})
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


class InputRefused(InvalidInput):
    """A declared input is missing or has another type; `details` names it."""

    code = "input_refused"
    title = "An input does not fit its declaration"


def checked_inputs(
    variables: Iterable[Mapping[str, JsonValue]], given: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """`given` with declared inputs checked, coerced and defaulted; the others stay untouched.

    Raises InputRefused.
    """
    inputs = dict(given)
    for variable in variables:
        name = _as_text(variable.get("variable"))
        if name:
            inputs[name] = _checked(name, variable, given.get(name))
    return inputs


def _checked(name: str, variable: Mapping[str, JsonValue], value: JsonValue) -> JsonValue:
    if value is None:
        default = variable.get("default")
        if default in (None, "") and variable.get("required"):
            raise _refused(name, f"{name} is required in input form")
        if default in (None, ""):
            return None
        value = default
    kind = _as_text(variable.get("type"))
    if kind in _TEXTS or kind == "select":
        return _text(name, kind, variable, value)
    if kind == "number":
        return _number(name, value)
    if kind == "checkbox":
        return _checkbox(name, value)
    if kind in {"json_object", "file"} and not isinstance(value, dict):
        what = "a dict" if kind == "json_object" else "a file"
        raise _refused(name, f"{name} in input form must be {what}")
    if kind == "file-list" and not _is_file_list(value):
        raise _refused(name, f"{name} in input form must be a list of files")
    return value


def _text(name: str, kind: str, variable: Mapping[str, JsonValue], value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        raise _refused(name, f"(type '{kind}') {name} in input form must be a string")
    listed = variable.get("options")
    options = [o for o in listed if isinstance(o, str)] if isinstance(listed, list) else []
    if kind == "select" and options and value not in options:
        raise _refused(name, f"{name} in input form must be one of the following: {options}")
    longest = variable.get("max_length")
    if kind in _TEXTS and isinstance(longest, int) and longest and len(value) > longest:
        raise _refused(name, f"{name} in input form must be less than {longest} characters")
    return value.replace("\0", "")


def _number(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        try:
            number = float(text) if "." in text else int(text)
            if math.isfinite(number):
                return number
        except (ValueError, OverflowError):
            pass
    raise _refused(name, f"{name} in input form must be a valid number")


def _checkbox(name: str, value: JsonValue) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise _refused(name, f"{name} in input form must be a boolean value")


def _as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _is_file_list(value: JsonValue) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _refused(name: str, message: str) -> InputRefused:
    pointer = "/inputs/" + name.replace("~", "~0").replace("/", "~1")
    return InputRefused(message, details=(ErrorDetail(pointer=pointer, message=message),))
