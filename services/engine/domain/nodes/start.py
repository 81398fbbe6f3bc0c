"""start: the run's inputs, and everything else the run begins with."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import NodeContext, NodeResult, Problem
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.variables.selectors import RUN_SCOPES
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class StartNode(PureNode):
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    def evaluate(self, context: NodeContext) -> NodeResult:
        """Inputs keep their names; a run variable becomes `sys.x`, `env.x` or `conversation.x`."""
        outputs: dict[str, Value] = {
            f"{scope}.{name}": value
            for scope in RUN_SCOPES
            for name, value in context.variables.names(scope).items()
        }
        outputs.update(context.inputs)
        return NodeResult(outputs=outputs, inputs=dict(context.inputs))


def parse_start(node_id: str, data: Mapping[str, Value]) -> StartNode:
    # What its variables may hold is checked where a run is accepted, before there is a run.
    return StartNode()
