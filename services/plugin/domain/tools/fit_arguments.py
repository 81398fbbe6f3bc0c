"""Arguments that were written as text, as the types that a tool takes."""

import json
from collections.abc import Mapping

from pydantic import JsonValue

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def fit_arguments(
    schema: Mapping[str, JsonValue], arguments: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """`arguments` with text read as the type that `schema` declares for it.

    Null, and an empty text for what takes none, is an argument that was not given. What cannot be
    read stays as it is: the schema's check names it.
    """
    declared = schema.get("properties")
    properties = declared if isinstance(declared, dict) else {}
    fitted: dict[str, JsonValue] = {}
    for name, value in arguments.items():
        about = properties.get(name)
        kind = about.get("type") if isinstance(about, dict) else None
        takes_text = kind in (None, "string") or isinstance(kind, list)
        if value is None or (value == "" and not takes_text):
            continue
        fitted[name] = value if takes_text or not isinstance(value, str) else _read(kind, value)
    return fitted


def _read(kind: JsonValue, text: str) -> JsonValue:
    if kind == "boolean":
        return _WORDS.get(text.strip().lower(), text)
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if _is(kind, value) else text


def _is(kind: JsonValue, value: JsonValue) -> bool:
    match kind:
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            return False
