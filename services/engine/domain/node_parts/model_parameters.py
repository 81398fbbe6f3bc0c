"""A model's sampling options; text in them may hold references."""

import json
from dataclasses import dataclass

from libs.common.contracts.chat import JsonObjectFormat, JsonSchemaFormat
from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.values import Selector, Value

MAX_TEXT = 1024
"""Characters kept of an option that holds references."""

ResponseFormat = JsonSchemaFormat | JsonObjectFormat | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParameters:
    """`fixed` options as written and `templated` ones; `response_format` is taken out of them."""

    fixed: dict[str, Value]
    templated: tuple[tuple[str, TemplateText], ...]
    response_format: ResponseFormat

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(part for _, text in self.templated for part in text.references)

    def resolve(self, variables: VariableReader) -> dict[str, Value]:
        if not self.templated:
            return self.fixed
        resolved = dict(self.fixed)
        for name, text in self.templated:
            resolved[name] = _scalar(text.render(variables)[:MAX_TEXT])
        return resolved


def _parsed(text: str) -> Value:
    parsed: Value = json.loads(text)
    return parsed


def _scalar(text: str) -> Value:
    """A number or boolean written as JSON; any other text as it is."""
    try:
        parsed = _parsed(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, (bool, int, float)) else text


def parse_model_parameters(settings: SettingsReader) -> ModelParameters:
    fixed: dict[str, Value] = {}
    templated: list[tuple[str, TemplateText]] = []
    given = settings.mapping("completion_params")
    for name, value in given.items():
        if name in ("response_format", "json_schema"):
            continue
        text = parse_template_text(value) if isinstance(value, str) else None
        if text is not None and text.references:
            templated.append((name, text))
        elif value is not None:
            fixed[name] = value
    params = settings.section("completion_params")
    return ModelParameters(
        fixed=fixed, templated=tuple(templated), response_format=_response_format(params)
    )


def _response_format(params: SettingsReader) -> ResponseFormat:
    raw = params.raw("response_format")
    kind = raw.get("type") if isinstance(raw, dict) else raw
    if kind in ("json_object", "JSON"):
        return JsonObjectFormat()
    if kind != "json_schema":
        return None
    schema = params.raw("json_schema")
    if isinstance(schema, str):
        try:
            schema = _parsed(schema)
        except ValueError:
            schema = None
    if not isinstance(schema, dict):
        params.report("invalid_schema", "must be a JSON Schema", "json_schema")
        return None
    # The editor's text may be a bare schema or the wire's {name, schema} around one.
    inner = schema.get("schema")
    name = schema.get("name")
    return JsonSchemaFormat(
        name=name if isinstance(name, str) and name else "answer",
        json_schema=inner if isinstance(inner, dict) else schema,
    )
