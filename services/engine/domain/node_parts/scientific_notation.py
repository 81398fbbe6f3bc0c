"""Text such as "1e+5" becomes a number on its way out of the code runner."""

import re

from services.engine.domain.variables.values import Value

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+")


def numbers_from_text(value: Value) -> Value:
    """`value` with every such text in it, however deep, as a float; the rest is the same object."""
    if isinstance(value, str):
        return float(value) if len(value) < _LONGEST and _NUMBER.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: numbers_from_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers_from_text(item) for item in value]
    return value


_LONGEST = 64
