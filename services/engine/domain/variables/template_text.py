"""Text with `{{#node.variable#}}` references, parsed once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.values import Missing, Selector, Value

_REFERENCE = re.compile(
    r"\{\{#([a-zA-Z0-9_]{1,50}(?:\.[a-zA-Z_][a-zA-Z0-9_]{0,29}){1,10})#\}\}",
)


class _Reader(Protocol):
    def get(self, selector: Selector) -> Value | Missing: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateText:
    """`segments` are literal strings and selectors, in order. Empty literals are left out."""

    segments: tuple[str | Selector, ...]

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(part for part in self.segments if not isinstance(part, str))

    def render(self, variables: _Reader, show: Callable[[Value], str] = render_text) -> str:
        """The text with every reference replaced; an unresolved one shows its bare path."""
        pieces: list[str] = []
        for part in self.segments:
            if isinstance(part, str):
                pieces.append(part)
                continue
            value = variables.get(part)
            pieces.append(".".join(part) if isinstance(value, Missing) else show(value))
        return "".join(pieces)


def parse_template_text(text: str) -> TemplateText:
    """What does not match the reference's grammar stays literal."""
    segments: list[str | Selector] = []
    position = 0
    for match in _REFERENCE.finditer(text):
        if match.start() > position:
            segments.append(text[position : match.start()])
        segments.append(tuple(match.group(1).split(".")))
        position = match.end()
    if position < len(text):
        segments.append(text[position:])
    return TemplateText(segments=tuple(segments))
