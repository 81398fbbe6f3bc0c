"""template-transform: text from a Jinja2 template."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.input_variables import (
    InputVariables,
    parse_input_variables,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.template import (
    Template,
    TemplateInvalid,
    parse_template,
)
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTransformNode(PureNode):
    template: Template
    variables: InputVariables
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.variables.references

    @property
    def output_types(self) -> OutputTypes:
        return {"output": ValueType.STRING}

    def evaluate(self, context: NodeContext) -> NodeResult:
        inputs = self.variables.read(context.variables)
        try:
            text = self.template.render(inputs)
        except TemplateFailed as failed:
            raise NodeFailure(str(failed), error_type=failed.error_type, inputs=inputs) from failed
        return NodeResult(outputs={"output": text}, inputs=inputs)


def parse_template_transform(node_id: str, data: Mapping[str, Value]) -> TemplateTransformNode:
    settings = SettingsReader(data)
    try:
        template = parse_template(settings.text("template"))
    except TemplateInvalid as invalid:
        settings.report(invalid.code, str(invalid), "template")
        template = parse_template("")
    return TemplateTransformNode(
        template=template,
        variables=parse_input_variables(settings),
        problems=settings.problems,
    )
