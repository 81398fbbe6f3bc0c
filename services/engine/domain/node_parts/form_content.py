"""The content of a form once it is answered."""

import re
from collections.abc import Mapping

from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.values import Value

_PLACE = re.compile(r"\{\{#\$outputs?\.([a-zA-Z_][a-zA-Z0-9_]{0,29})#\}\}")


def field_names(content: str) -> tuple[str, ...]:
    """The fields that `content` has a place for, in their order."""
    return tuple(_PLACE.findall(content))


def filled_content(content: str, inputs: Mapping[str, Value]) -> str:
    """`content` with the answers in the places of their fields; nothing where one is missing."""
    return _PLACE.sub(
        lambda place: render_text(inputs[place[1]]) if place[1] in inputs else "", content
    )
