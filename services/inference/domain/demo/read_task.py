"""Tasks that stand as labelled lines of JSON in a prompt. Deterministic; no language model."""

import json
import re
from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from services.inference.domain.demo.classify import classify

_CATEGORIES = re.compile(r"^Categories: (\[.*\])$", re.MULTILINE)
_SCHEMA = re.compile(r"^JSON Schema: (\{.*\})$", re.MULTILINE)


def categories_in(prompt: str) -> dict[str, str]:
    """Names by id from a line `Categories: [{"category_id": ..., "category_name": ...}, ...]`;
    none without such a line."""
    listed = _line(_CATEGORIES, prompt)
    found: dict[str, str] = {}
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            found[str(each.get("category_id"))] = str(each.get("category_name"))
    return found


def chosen_category(categories: Mapping[str, str], text: str) -> dict[str, JsonValue]:
    """The category whose name has most words of `text`, the first where none has any."""
    keywords = {name: list[str]() for name in categories.values()}
    chosen = classify(text, keywords)
    return next(
        {"category_id": each, "category_name": name}
        for each, name in categories.items()
        if name == chosen
    )


def schema_in(prompt: str) -> Mapping[str, JsonValue] | None:
    """The schema of a line `JSON Schema: {...}`, None without such a line."""
    schema = _line(_SCHEMA, prompt)
    return schema if isinstance(schema, dict) else None


def _line(pattern: re.Pattern[str], prompt: str) -> JsonValue:
    found = pattern.search(prompt)
    try:
        return cast("JsonValue", json.loads(found.group(1))) if found else None
    except (ValueError, RecursionError):
        return None
