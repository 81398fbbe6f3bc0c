"""tool: one call of a tool that the plugin service has."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from libs.common.contracts.run_forks import NodeEffect
from libs.common.contracts.tool_call import ToolCall, ToolResult
from services.engine.domain.node_parts.called_workflow import (
    KnownWorkflow,
    call_workflow,
    not_given,
    parse_workflow_ref,
)
from services.engine.domain.node_parts.effects import CallTool, EffectError
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.node_parts.tool_arguments import ToolArguments, parse_tool_arguments
from services.engine.domain.variables.files import is_file
from services.engine.domain.variables.record import changed
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value

_OWN_KINDS = frozenset({"", "builtin", "plugin"})
_KINDS_TO_COME = frozenset({"api", "mcp", "app", "dataset-retrieval"})
_OUTPUTS: OutputTypes = {
    "text": ValueType.STRING,
    "files": ValueType.ARRAY_FILE,
    "json": ValueType.ARRAY_OBJECT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolNode:
    """`tool` is `provider/tool`, by the last part of the provider's name."""

    tool: str
    arguments: ToolArguments
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.arguments.references

    @property
    def output_types(self) -> OutputTypes:
        return _OUTPUTS

    def doubts(self, name: str) -> str | None:
        """Nothing: tools name outputs of their own."""
        return None

    @property
    def effect_class(self) -> NodeEffect:
        return "unsafe"

    def run(self, context: NodeContext) -> NodeRun:
        arguments = self.arguments.resolve(context.variables)
        call = ToolCall(tool=self.tool, arguments=arguments)
        try:
            answer = expect(ToolResult, (yield CallTool(call=call)))
        except EffectError as error:
            raise NodeFailure(
                error.message, error_type=error.error_type, inputs=arguments
            ) from error
        return NodeResult(outputs=_outputs(answer), inputs=arguments)


def _outputs(answer: ToolResult) -> dict[str, Value]:
    """What the tool declares stands beside the three outputs that every tool has."""
    data = answer.data
    declared = data if isinstance(data, dict) else {}
    nothing: Value = {"data": []}
    return {
        **declared,
        "text": answer.text,
        "files": [],
        "json": [nothing if data is None else data],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowToolNode:
    """A tool that is an app of this platform: `called` is what is known of it before a run."""

    ref: str
    arguments: ToolArguments
    called: KnownWorkflow | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.arguments.references

    @property
    def output_types(self) -> OutputTypes:
        return _OUTPUTS

    @property
    def effect_class(self) -> NodeEffect:
        return "unsafe" if self.called is None else self.called.effect_class

    def knowing_workflow(self, called: KnownWorkflow) -> "WorkflowToolNode":
        missing = not_given(called, self.arguments, "tool_parameters")
        return replace(self, called=called, problems=(*self.problems, *missing))

    def run(self, context: NodeContext) -> NodeRun:
        inputs = self.arguments.resolve(context.variables)
        result = yield from call_workflow(self.ref, inputs)
        return changed(
            result,
            outputs={
                "text": json.dumps(result.outputs, ensure_ascii=False),
                "files": [*_files_in(result.outputs)],
                "json": [result.outputs],
            },
        )


def _files_in(outputs: Mapping[str, Value]) -> Iterator[Value]:
    for value in outputs.values():
        yield from filter(is_file, value if isinstance(value, list) else [value])


def parse_tool(node_id: str, data: Mapping[str, Value]) -> ToolNode | WorkflowToolNode:
    settings = SettingsReader(data)
    kind = settings.text("provider_type")
    if kind == "workflow":
        return WorkflowToolNode(
            ref=parse_workflow_ref(settings, "provider_id"),
            arguments=parse_tool_arguments(settings),
            problems=settings.problems,
        )
    provider = settings.text("provider_id") or settings.text("provider_name")
    name = settings.text("tool_name", required=True)
    tool = f"{provider.rpartition('/')[2]}/{name}"
    if not provider:
        settings.report("missing_field", "must name the tool's provider", "provider_id")
    if kind in _KINDS_TO_COME:
        message = f"`{tool}` cannot be called: tools of kind {kind} are not available"
        settings.report("unsupported", message, "provider_type")
    elif kind not in _OWN_KINDS:
        settings.report("unknown_tool_kind", f"no kind of tools is called {kind}", "provider_type")
    return ToolNode(
        tool=tool if provider and name and kind in _OWN_KINDS else "",
        arguments=parse_tool_arguments(settings),
        problems=settings.problems,
    )
