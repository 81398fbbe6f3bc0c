"""if-else: the first case whose conditions hold names the branch."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.conditions import Conditions, parse_conditions
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value

ELSE = "false"
"""The handle of the branch taken when no case holds."""

_ONLY_CASE = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class IfElseNode(PureNode):
    """`cases` pairs a handle with its conditions."""

    cases: tuple[tuple[str, Conditions], ...]
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(part for _, conditions in self.cases for part in conditions.references)

    @property
    def output_types(self) -> OutputTypes:
        return {"result": ValueType.BOOLEAN, "selected_case_id": ValueType.STRING}

    def evaluate(self, context: NodeContext) -> NodeResult:
        for handle, conditions in self.cases:
            try:
                holds = conditions.hold(context.variables)
            except (ValueError, OverflowError) as refused:
                raise NodeFailure(str(refused)) from refused
            if holds:
                return NodeResult(
                    outputs={"result": True, "selected_case_id": handle}, handle=handle
                )
        return NodeResult(outputs={"result": False, "selected_case_id": ELSE}, handle=ELSE)


def parse_if_else(node_id: str, data: Mapping[str, Value]) -> IfElseNode:
    """Files older than cases keep one list of conditions beside their logical operator."""
    settings = SettingsReader(data)
    if settings.has("cases"):
        cases = tuple(
            (item.text("case_id") or item.text("id", required=True), parse_conditions(item))
            for item in settings.items("cases")
        )
    else:
        cases = ((_ONLY_CASE, parse_conditions(settings)),)
    return IfElseNode(cases=cases, problems=settings.problems)
