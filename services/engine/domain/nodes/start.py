"""start: the run's inputs, and everything else the run begins with."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.run_outputs import run_outputs
from services.engine.domain.variables.selectors import RUN_SCOPES
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value

_RUN_VARIABLES = tuple(f"{scope}." for scope in RUN_SCOPES)
_FIELDS = {
    "text-input": ValueType.STRING,
    "paragraph": ValueType.STRING,
    "select": ValueType.STRING,
    "number": ValueType.NUMBER,
    "checkbox": ValueType.BOOLEAN,
    "file": ValueType.FILE,
    "file-list": ValueType.ARRAY_FILE,
    "json_object": ValueType.OBJECT,
}
"""Types of a form's fields; any other kind of field may hold anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNode(PureNode):
    """`declared` are its form's fields. A caller may send others, and they reach the graph too."""

    declared: OutputTypes
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def output_types(self) -> OutputTypes:
        return self.declared

    def doubts(self, name: str) -> str | None:
        """Where there is a form, what is not in it is more often a slip than meant."""
        if not self.declared or name.startswith(_RUN_VARIABLES):
            return None
        fields = ", ".join(self.declared)
        return f"an input that is there only when a caller sends it: the form has {fields}"

    def evaluate(self, context: NodeContext) -> NodeResult:
        """Inputs keep their names; a run variable becomes `sys.x`, `env.x` or `conversation.x`."""
        outputs = run_outputs(context, RUN_SCOPES)
        outputs.update(context.inputs)
        return NodeResult(outputs=outputs, inputs=dict(context.inputs))


def parse_start(node_id: str, data: Mapping[str, Value]) -> StartNode:
    # What its variables may hold is checked where a run is accepted, before there is a run.
    variables = data.get("variables")
    declared: dict[str, ValueType | None] = {}
    for field in variables if isinstance(variables, list) else []:
        name = field.get("variable") if isinstance(field, dict) else None
        if isinstance(field, dict) and isinstance(name, str) and name:
            declared[name] = _FIELDS.get(str(field.get("type")))
    return StartNode(declared=declared)
