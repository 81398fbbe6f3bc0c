"""The fields of a form as a workflow describes them."""

from dataclasses import dataclass
from typing import Literal

from libs.common.contracts.forms import FieldType, FormField
from services.engine.domain.node_parts.settings_reader import WRONG_TYPE, SettingsReader
from services.engine.domain.node_parts.variable_reader import VariableReader
from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.values import Missing, Selector, Value

_TYPES: dict[str, FieldType] = {
    "paragraph": "paragraph",
    "text_input": "paragraph",
    "text-input": "paragraph",
    "select": "select",
    "file": "file",
    "file-list": "file-list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value comes from: written down, or a variable read when the form is shown."""

    kind: Literal["constant", "variable"]
    value: Value = None
    selector: Selector | None = None

    def read(self, variables: VariableReader) -> Value:
        if self.kind == "constant":
            return self.value
        found = None if self.selector is None else variables.get(self.selector)
        return None if isinstance(found, Missing) else found


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlan:
    name: str
    type: FieldType
    default: Source | None = None
    options: Source | None = None

    @property
    def reads(self) -> tuple[Selector, ...]:
        sources = (self.default, self.options)
        return tuple(each.selector for each in sources if each and each.selector)

    def resolved(self, variables: VariableReader) -> FormField:
        """The field with today's values."""
        default = None if self.default is None else self.default.read(variables)
        options = None if self.options is None else self.options.read(variables)
        texts = [render_text(each) for each in options] if isinstance(options, list) else []
        if self.type in {"paragraph", "select"} and default is not None:
            default = render_text(default)
        return FormField(name=self.name, type=self.type, default=default, options=tuple(texts))


def parse_fields(settings: SettingsReader) -> tuple[FieldPlan, ...]:
    """The fields under `inputs`; what is wrong with them is reported there."""
    fields = tuple(_field(item) for item in settings.items("inputs"))
    if len({field.name for field in fields}) < len(fields):
        settings.report("duplicate_field", "must hold each output_variable_name once", "inputs")
    return fields


def _field(item: SettingsReader) -> FieldPlan:
    named = item.text("type", "paragraph")
    if named not in _TYPES:
        item.report(WRONG_TYPE, f"must be one of {', '.join(_TYPES)}", "type")
    kind = _TYPES.get(named, "paragraph")
    options = None
    if kind == "select":
        source = "option_source" if item.has("option_source") else "options"
        options = _source(item, source)
    return FieldPlan(
        name=item.text("output_variable_name", required=True),
        type=kind,
        default=_source(item, "default") if item.has("default") else None,
        options=options,
    )


def _source(item: SettingsReader, name: str) -> Source:
    raw = item.raw(name)
    if not isinstance(raw, dict):
        return Source(kind="constant", value=raw)
    section = item.section(name)
    if section.text("type", "constant") == "variable":
        return Source(kind="variable", selector=section.selector("selector"))
    return Source(kind="constant", value=section.raw("value"))
