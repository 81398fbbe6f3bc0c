"""A tool's arguments as a node configures them: text with references, or a variable as it is."""

import json
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.values import Missing, Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolArguments:
    """`written` are texts with references, `passed` the variables that are handed on unchanged."""

    written: tuple[tuple[str, TemplateText], ...] = ()
    passed: tuple[tuple[str, Selector], ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return (
            *(selector for _, text in self.written for selector in text.references),
            *(selector for _, selector in self.passed),
        )

    def resolve(self, variables: VariableReader) -> dict[str, Value]:
        """The arguments by name. A variable that does not exist is an argument not given."""
        found: dict[str, Value] = {name: text.render(variables) for name, text in self.written}
        for name, selector in self.passed:
            value = variables.get(selector)
            if not isinstance(value, Missing):
                found[name] = value
        return found


def parse_tool_arguments(settings: SettingsReader) -> ToolArguments:
    """The author's settings of the tool and what flows into it; the latter wins over a name."""
    return parse_arguments(settings, "tool_configurations", "tool_parameters")


def parse_arguments(settings: SettingsReader, *sections: str) -> ToolArguments:
    """What the fields `sections` give by name; a later one wins."""
    written: dict[str, TemplateText] = {}
    passed: dict[str, Selector] = {}
    for section in sections:
        parameters = settings.section(section)
        for name, given in settings.mapping(section).items():
            if given is None:
                continue
            written.pop(name, None)
            passed.pop(name, None)
            if not _is_typed(given):
                written[name] = parse_template_text(_as_text(given))
                continue
            parameter = parameters.section(name)
            if parameter.text("type") == "variable":
                selector = parameter.selector("value")
                if selector is not None:
                    passed[name] = selector
            elif parameter.has("value"):
                written[name] = parse_template_text(_as_text(parameter.raw("value")))
    return ToolArguments(written=tuple(written.items()), passed=tuple(passed.items()))


def _is_typed(given: Value) -> bool:
    # Older files hold the value alone.
    return isinstance(given, dict) and given.get("type") in ("mixed", "constant", "variable")


def _as_text(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
