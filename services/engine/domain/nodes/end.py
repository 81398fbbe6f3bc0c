"""end: names what the run answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.input_variables import (
    InputVariables,
    parse_input_variables,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    OutputSegment,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class EndNode(PureNode):
    outputs: InputVariables
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.outputs.references

    @property
    def output_types(self) -> OutputTypes:
        return dict.fromkeys(name for name, _ in self.outputs.bindings)

    def evaluate(self, context: NodeContext) -> NodeResult:
        values = self.outputs.read(context.variables)
        return NodeResult(outputs=values, inputs=values)


def parse_end(node_id: str, data: Mapping[str, Value]) -> EndNode:
    settings = SettingsReader(data)
    return EndNode(outputs=parse_input_variables(settings, "outputs"), problems=settings.problems)


def end_template(data: Mapping[str, Value]) -> tuple[OutputSegment, ...]:
    """Its values, one a line."""
    segments: list[OutputSegment] = []
    for selector in parse_end("", data).references:
        if segments:
            segments.append(OutputSegment(text="\n"))
        segments.append(OutputSegment(selector=selector))
    return tuple(segments)
