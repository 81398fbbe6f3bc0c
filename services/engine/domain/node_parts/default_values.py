"""Default outputs that an author declares for a node that fails."""

import json

from services.engine.domain.variables.values import Value


class DefaultValueInvalid(ValueError):
    """The written default does not fit its declared type."""


def parse_default_value(value_type: str, raw: Value) -> Value:
    """`raw` as a value of `value_type`; text is read as JSON, a number's text as a float.

    Types: string, number, object, array[string|number|object|file|boolean|any]. Raises
    DefaultValueInvalid.
    """
    if value_type == "string":
        if isinstance(raw, str):
            return raw
        raise DefaultValueInvalid(f"invalid string value: {raw}")
    if value_type == "number":
        return _number(raw)
    parsed = _json(raw) if isinstance(raw, str) else raw
    if value_type == "object":
        if isinstance(parsed, dict):
            return parsed
        raise DefaultValueInvalid(f"invalid object value: {raw}")
    if value_type == "boolean":
        if isinstance(parsed, bool):
            return parsed
        raise DefaultValueInvalid(f"invalid boolean value: {raw}")
    return _array(value_type, parsed, raw)


def _array(value_type: str, parsed: Value, raw: Value) -> list[Value]:
    if not isinstance(parsed, list):
        raise DefaultValueInvalid(f"invalid {value_type} value: {raw}")
    expected = _ELEMENTS.get(value_type)
    if expected is None:
        return parsed
    if value_type == "array[number]":
        return [_number(item) for item in parsed]
    if not all(isinstance(item, expected) for item in parsed):
        raise DefaultValueInvalid(f"invalid {value_type} value: {raw}")
    return parsed


_ELEMENTS: dict[str, tuple[type, ...]] = {
    "array[string]": (str,),
    "array[number]": (str, int, float),
    "array[object]": (dict,),
    "array[file]": (dict,),
    "array[boolean]": (bool,),
}


def _number(raw: Value) -> int | float:
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        try:
            return float(raw)
        except ValueError:
            pass
    raise DefaultValueInvalid(f"invalid number value: {raw}")


def _json(text: str) -> Value:
    try:
        return json.loads(text)
    except ValueError:
        raise DefaultValueInvalid(f"invalid JSON: {text}") from None
