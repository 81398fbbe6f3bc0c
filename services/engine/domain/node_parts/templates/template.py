"""A Jinja2 template that renders within a budget, and touches nothing but its variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from services.engine.domain.node_parts.templates.budget import (
    MAX_OUTPUT,
    Budget,
    TemplateFailed,
)
from services.engine.domain.node_parts.templates.filters import FILTERS
from services.engine.domain.node_parts.templates.parsing import TemplateInvalid, parse_statements
from services.engine.domain.node_parts.templates.template_values import (
    Frame,
    Statement,
    TemplateValue,
    Tools,
)
from services.engine.domain.node_parts.templates.tests import TESTS
from services.engine.domain.variables.values import Value

__all__ = ["Template", "TemplateInvalid", "parse_template"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Parsed once, rendered many times."""

    program: Statement

    def render(self, variables: Mapping[str, Value], budget: Budget | None = None) -> str:
        """The text. Undeclared names are empty, null prints None.

        Raises TemplateFailed, TemplateTooExpensive among it.
        """
        tools = Tools(budget or Budget(), FILTERS, TESTS)
        # JSON values are template values; only the type system cannot see it, as lists and objects
        # are invariant. The walker never changes a list or object that it did not make.
        names = cast("dict[str, TemplateValue]", dict(variables))
        out: list[str] = []
        try:
            self.program(Frame(tools, names), out)
        except RecursionError as error:
            raise TemplateFailed("The template's values are nested too deeply.") from error
        text = "".join(out)
        if len(text) > MAX_OUTPUT:
            raise TemplateFailed(f"Output length exceeds {MAX_OUTPUT} characters")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            # The journal could not hold it.
            raise TemplateFailed("The text holds half of a surrogate pair.") from error
        return text


def parse_template(source: str) -> Template:
    """Raises TemplateInvalid, its text naming the construct and the line."""
    return Template(program=parse_statements(source))
