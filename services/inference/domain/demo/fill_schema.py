"""A JSON value that fits a JSON Schema, filled from a text. Deterministic; no language model."""

import re
from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from services.inference.domain.demo.classify import classify
from services.inference.domain.demo.extract import extract_named, extract_number

_MAX_DEPTH = 8
_YES = re.compile(r"\b(yes|true|urgent|asap|immediately|please|now)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


def fill_schema(
    schema: Mapping[str, JsonValue], text: str, name: str = "answer", depth: int = 0
) -> JsonValue:
    """A value for `schema`: enums by keywords, strings and numbers by patterns named like the
    property, booleans by words of assent, objects property by property. Below eight levels: null.
    """
    if depth > _MAX_DEPTH:
        return None
    enum = schema.get("enum")
    if isinstance(enum, list) and enum:
        return _from_enum(enum, schema, text)
    if "const" in schema:
        return schema["const"]
    match _type_of(schema):
        case "object":
            return _object(schema, text, depth)
        case "array":
            items = schema.get("items")
            item = fill_schema(_schema(items), text, name, depth + 1)
            return [] if item is None or item == "" else [item]
        case "integer":
            return int(extract_number(name, text) or 0)
        case "number":
            return extract_number(name, text) or 0.0
        case "boolean":
            return bool(_YES.search(text))
        case "null":
            return None
        case _:
            return extract_named(name, text) or _first_sentence(text)


def _from_enum(enum: list[JsonValue], schema: Mapping[str, JsonValue], text: str) -> JsonValue:
    hints = str(schema.get("description") or "")
    labels = {str(value): _hints_for(str(value), hints) for value in enum}
    chosen = classify(text, labels)
    return next((value for value in enum if str(value) == chosen), enum[0])


def _hints_for(label: str, description: str) -> list[str]:
    found = re.search(rf"{re.escape(label)}\s*[:=(]\s*([^;)]*)", description, re.IGNORECASE)
    return re.split(r"[,\s]+", found.group(1)) if found else []


def _object(schema: Mapping[str, JsonValue], text: str, depth: int) -> JsonValue:
    properties = _schema(schema.get("properties"))
    return {
        key: fill_schema(_schema(value), text, key, depth + 1) for key, value in properties.items()
    }


def _type_of(schema: Mapping[str, JsonValue]) -> str:
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((t for t in declared if t != "null"), "null")
    if declared is None:
        return "object" if "properties" in schema else "string"
    return str(declared)


def _schema(value: JsonValue) -> Mapping[str, JsonValue]:
    return cast("Mapping[str, JsonValue]", value) if isinstance(value, dict) else {}


def _first_sentence(text: str) -> str:
    found = _SENTENCE.search(text.strip())
    return found.group(0).strip() if found else ""
