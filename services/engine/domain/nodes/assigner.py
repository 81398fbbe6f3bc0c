"""assigner: gives conversation variables, and variables of loops and nodes, other values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.engine.domain.node_parts.assignments import (
    APPEND,
    CLEAR,
    CONSTANTS_ONLY,
    NO_CONSTANTS,
    OPERATIONS,
    OVER_WRITE,
    WITHOUT_INPUT,
    Target,
    appended,
    changed,
    check_kinds,
    kind_of,
    not_found,
    updated_variables,
)
from services.engine.domain.node_parts.node_contract import (
    Assigned,
    NodeContext,
    NodeFailure,
    NodeResult,
    OutputTypes,
    Problem,
    VariableReader,
    VariableTypes,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.selectors import ENVIRONMENT, SYSTEM
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Missing, Selector, Value

_PARTS = 2
_UPDATED = "__updated_variables"
_FIRST_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One change. `source` is the variable that is read, None for the constant `value`; `shown` is
    the item as its author wrote it."""

    target: Selector
    operation: str
    constant: bool
    source: Selector | None = None
    value: Value = None
    shown: dict[str, Value] = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True, kw_only=True)
class _AssignerNode(PureNode):
    """`types` are those that variables were declared with."""

    items: tuple[Item, ...]
    types: VariableTypes = field(default_factory=dict[Selector, ValueType])
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        sources = (item.source for item in self.items if item.source is not None)
        return (*self.targets, *sources)

    @property
    def targets(self) -> tuple[Selector, ...]:
        return tuple(item.target for item in self.items if item.target)

    @property
    def output_types(self) -> OutputTypes:
        return {}

    def knowing(self, types: VariableTypes) -> "_AssignerNode":
        return replace(self, types=types)

    def target(self, selector: Selector, variables: VariableReader) -> Target | None:
        value = variables.get(selector) if len(selector) == _PARTS else None
        if len(selector) != _PARTS or isinstance(value, Missing):
            return None
        kind = kind_of(value, self.types.get(selector))
        return Target(selector=selector, value=value, kind=kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAssignerNode(_AssignerNode):
    """Version 1: one item, and no questions about types."""

    def evaluate(self, context: NodeContext) -> NodeResult:
        (item,) = self.items
        target = self.target(item.target, context.variables)
        if target is None:
            raise NodeFailure("assigned variable not found")
        given, value = self._values(item, target, context.variables)
        made = {item.target: Assigned(selector=item.target, value=value)}
        return NodeResult(
            inputs={"value": given},
            process_data={_UPDATED: updated_variables(made, {item.target: target.kind})},
            assigned=tuple(made.values()),
        )

    def _values(self, item: Item, target: Target, variables: VariableReader) -> tuple[Value, Value]:
        if item.operation == CLEAR:
            empty = changed(target, CLEAR)
            return empty, empty
        given = variables.get(item.source or ("", ""))
        if isinstance(given, Missing):
            raise NodeFailure("input value not found")
        return given, appended(target, given) if item.operation == APPEND else given


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignerNode(_AssignerNode):
    """Version 2: each item sees what those before it did; where one fails nothing is changed."""

    def evaluate(self, context: NodeContext) -> NodeResult:
        variables = VariablePool(context.variables)
        made: dict[Selector, Assigned] = {}
        kinds: dict[Selector, ValueType] = {}
        inputs: dict[str, Value] = {"items": [item.shown for item in self.items]}
        try:
            for item in self.items:
                found = self._changed(item, variables)
                if found is not None:
                    target, value = found
                    scope, name = item.target
                    variables.put(scope, name, value)
                    kinds.setdefault(item.target, target.kind)
                    made[item.target] = Assigned(selector=item.target, value=value)
        except NodeFailure as failure:
            failure.inputs = inputs
            raise
        told: dict[str, Value] = {name: each.value for (_, name), each in made.items()}
        return NodeResult(
            inputs=inputs,
            process_data={**told, _UPDATED: updated_variables(made, kinds)},
            assigned=tuple(made.values()),
        )

    def _changed(self, item: Item, variables: VariableReader) -> tuple[Target, Value] | None:
        """None where the source is null, which changes nothing."""
        target = self.target(item.target, variables)
        if target is None:
            raise not_found([*item.target])
        check_kinds(target.kind, item.operation, constant=item.constant)
        if item.source is None:
            return target, changed(target, item.operation, item.value)
        given = variables.get(item.source)
        if isinstance(given, Missing):
            raise not_found([*item.source])
        return None if given is None else (target, changed(target, item.operation, given))


def parse_assigner(node_id: str, data: Mapping[str, Value]) -> FirstAssignerNode | AssignerNode:
    """Version 1 where `version` says so or says nothing, and where nothing else fits."""
    settings = SettingsReader(data)
    version = settings.text("version", _FIRST_VERSION)
    if version == _FIRST_VERSION and not settings.has("items"):
        return FirstAssignerNode(items=(_only_item(settings),), problems=settings.problems)
    items = tuple(_item(item) for item in settings.items("items"))
    return AssignerNode(items=items, problems=settings.problems)


def _only_item(settings: SettingsReader) -> Item:
    mode = settings.text("write_mode", OVER_WRITE)
    if mode not in {OVER_WRITE, APPEND, CLEAR}:
        settings.report("unknown_operation", f"unknown write mode {mode}", "write_mode")
    source = settings.selector("input_variable_selector") if mode != CLEAR else None
    target = _target(settings, "assigned_variable_selector")
    return Item(target=target, operation=mode, constant=False, source=source)


def _item(settings: SettingsReader) -> Item:
    operation = settings.text("operation", OVER_WRITE)
    if operation not in OPERATIONS:
        settings.report("unknown_operation", f"unknown operation {operation}", "operation")
    given = settings.text("input_type", "variable")
    if given not in {"variable", "constant"}:
        settings.report("unknown_input_type", f"unknown input type {given}", "input_type")
    constant = given != "variable"
    if operation in (NO_CONSTANTS if constant else CONSTANTS_ONLY):
        message = f"{operation} takes no {given}; the node will fail"
        settings.warn("unsupported_input", message, "input_type")
    source = None
    if not constant and operation not in WITHOUT_INPUT:
        source = settings.selector("value", required=False)
    target = _target(settings, "variable_selector")
    value = settings.raw("value") if constant else None
    return Item(
        target=target,
        operation=operation,
        constant=constant,
        source=source,
        value=value,
        shown={
            "variable_selector": [*target],
            "input_type": given,
            "operation": operation,
            "value": settings.raw("value"),
        },
    )


def _target(settings: SettingsReader, name: str) -> Selector:
    target = settings.selector(name) or ()
    if target and target[0] in {SYSTEM, ENVIRONMENT}:
        message = f"{'.'.join(target)} stays what it is during a run"
        settings.report("not_assignable", message, name)
    return target
