"""sub-workflow: a published app, run as a run of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.called_workflow import (
    KnownWorkflow,
    call_workflow,
    not_given,
    parse_workflow_ref,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.node_parts.tool_arguments import ToolArguments, parse_arguments
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SubWorkflowNode:
    """Its outputs are those of the called run."""

    ref: str
    arguments: ToolArguments
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.arguments.references

    @property
    def effect_class(self) -> NodeEffect:
        return "unsafe"

    def knowing_workflow(self, called: KnownWorkflow) -> "KnownSubWorkflowNode":
        known = {field.name: getattr(self, field.name) for field in fields(SubWorkflowNode)}
        known["problems"] = (*self.problems, *not_given(called, self.arguments, "inputs"))
        return KnownSubWorkflowNode(**known, called=called)

    def run(self, context: NodeContext) -> NodeRun:
        inputs = self.arguments.resolve(context.variables)
        return (yield from call_workflow(self.ref, inputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSubWorkflowNode(SubWorkflowNode):
    """One whose workflow is known before a run."""

    called: KnownWorkflow

    @property
    def output_types(self) -> OutputTypes:
        return self.called.outputs

    @property
    def effect_class(self) -> NodeEffect:
        return self.called.effect_class


def parse_sub_workflow(node_id: str, data: Mapping[str, Value]) -> SubWorkflowNode:
    settings = SettingsReader(data)
    return SubWorkflowNode(
        ref=parse_workflow_ref(settings, "app_id", "version_id"),
        arguments=parse_arguments(settings, "inputs"),
        problems=settings.problems,
    )
