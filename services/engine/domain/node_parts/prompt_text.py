"""One text of a prompt, in the plain or the Jinja2 edition, with the places for context."""

from dataclasses import dataclass

from services.engine.domain.node_parts.input_variables import InputVariables
from services.engine.domain.node_parts.node_contract import NodeFailure, VariableReader
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.template import (
    Template,
    TemplateInvalid,
    parse_template,
)
from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.values import Missing, Selector, Value

_CONTEXT = "{{#context#}}"
_CONTEXT_NAME = "context_of_the_node"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainText:
    """`pieces` are what stands between the places for context."""

    pieces: tuple[TemplateText, ...]

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(selector for piece in self.pieces for selector in piece.references)

    def render(self, variables: VariableReader, context: str) -> str:
        """Raises NodeFailure for a variable that does not exist."""
        return context.join(_render_strictly(piece, variables) for piece in self.pieces)

    def values(self, variables: VariableReader) -> tuple[Value, ...]:
        """What its references hold."""
        found = (variables.get(selector) for selector in self.references)
        return tuple(value for value in found if not isinstance(value, Missing))


@dataclass(frozen=True, slots=True, kw_only=True)
class JinjaText:
    template: Template
    inputs: InputVariables

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.inputs.references

    def render(self, variables: VariableReader, context: str) -> str:
        """Raises NodeFailure where the template fails."""
        values = self.inputs.read(variables)
        try:
            return self.template.render({**values, _CONTEXT_NAME: context})
        except TemplateFailed as failed:
            raise NodeFailure(str(failed), error_type=failed.error_type) from failed

    def values(self, variables: VariableReader) -> tuple[Value, ...]:
        """None: what a template makes of its variables is its own affair."""
        return ()


PromptText = PlainText | JinjaText


def parse_prompt_text(settings: SettingsReader, inputs: InputVariables) -> PromptText:
    if settings.text("edition_type") != "jinja2":
        return parse_plain_text(settings.text("text"))
    source = settings.text("jinja2_text") or settings.text("text")
    try:
        template = parse_template(source.replace(_CONTEXT, "{{ " + _CONTEXT_NAME + " }}"))
    except TemplateInvalid as invalid:
        settings.report(invalid.code, str(invalid), "jinja2_text")
        return parse_plain_text("")
    return JinjaText(template=template, inputs=inputs)


def parse_plain_text(text: str) -> PlainText:
    return PlainText(pieces=tuple(parse_template_text(piece) for piece in text.split(_CONTEXT)))


def _render_strictly(text: TemplateText, variables: VariableReader) -> str:
    pieces: list[str] = []
    for part in text.segments:
        if isinstance(part, str):
            pieces.append(part)
            continue
        value = variables.get(part)
        if isinstance(value, Missing):
            raise NodeFailure(
                f"Variable #{'.'.join(part)}# not found", error_type="VariableNotFoundError"
            )
        pieces.append(render_text(value))
    return "".join(pieces)
