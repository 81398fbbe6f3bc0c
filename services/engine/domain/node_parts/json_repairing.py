"""Reads JSON that a person or a model wrote almost right. The one place that knows json-repair."""

import json

from json_repair import repair_json

from services.engine.domain.variables.values import Value

MAX_REPAIRED = 200_000
"""Longer text, in characters, is taken only if it is JSON as it stands."""


class NotJson(ValueError):
    """Beyond repair."""


def read_json(text: str) -> Value:
    """The value that `text` means. Raises NotJson."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        if len(text) > MAX_REPAIRED:
            raise NotJson(str(error)) from error
    try:
        return json.loads(repair_json(text), strict=False)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error
