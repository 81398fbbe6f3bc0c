"""variable-aggregator: the first of several variables that exists, as branches join."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    OutputTypes,
    Problem,
    VariableReader,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.settings_reader import WRONG_TYPE, SettingsReader
from services.engine.domain.variables.selectors import parse_selector
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import MISSING, Missing, Selector, Value

_OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableAggregatorNode(PureNode):
    """`groups` pairs a group's name with its candidates; without groups `candidates` count."""

    candidates: tuple[Selector, ...]
    groups: tuple[tuple[str, tuple[Selector, ...]], ...] | None
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        if self.groups is None:
            return self.candidates
        return tuple(selector for _, candidates in self.groups for selector in candidates)

    @property
    def output_types(self) -> OutputTypes:
        if self.groups is None:
            return {_OUTPUT: None}
        return {name: ValueType.OBJECT for name, _ in self.groups}

    def evaluate(self, context: NodeContext) -> NodeResult:
        outputs: dict[str, Value] = {}
        inputs: dict[str, Value] = {}
        if self.groups is None:
            found, value = _first(self.candidates, context.variables)
            if found is not None and not isinstance(value, Missing):
                outputs[_OUTPUT] = value
                inputs[".".join(found[1:])] = value
            return NodeResult(outputs=outputs, inputs=inputs)
        for name, candidates in self.groups:
            found, value = _first(candidates, context.variables)
            if found is not None and not isinstance(value, Missing):
                outputs[name] = {_OUTPUT: value}
                inputs[".".join(found[1:])] = value
        return NodeResult(outputs=outputs, inputs=inputs)


def _first(
    candidates: tuple[Selector, ...], variables: VariableReader
) -> tuple[Selector | None, Value | Missing]:
    for selector in candidates:
        value = variables.get(selector)
        if not isinstance(value, Missing):
            return selector, value
    return None, MISSING


def parse_variable_aggregator(node_id: str, data: Mapping[str, Value]) -> VariableAggregatorNode:
    settings = SettingsReader(data)
    advanced = settings.section("advanced_settings")
    groups = None
    if advanced.flag("group_enabled"):
        groups = tuple(
            (item.text("group_name", required=True), _candidates(item))
            for item in advanced.items("groups")
        )
    return VariableAggregatorNode(
        candidates=_candidates(settings), groups=groups, problems=settings.problems
    )


def _candidates(settings: SettingsReader) -> tuple[Selector, ...]:
    raw = settings.raw("variables")
    if raw is None:
        return ()
    if not isinstance(raw, list):
        settings.report(WRONG_TYPE, "must be a list of selectors", "variables")
        return ()
    found: list[Selector] = []
    for position, item in enumerate(raw):
        selector = parse_selector(item)
        if selector is not None:
            found.append(selector)
        elif item:
            settings.report(WRONG_TYPE, "must be a selector", f"variables.{position}")
    return tuple(found)
