"""Conditions over variables: parsed once, evaluated in order up to the first that decides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.engine.domain.node_parts.comparisons import (
    COMPARISONS,
    Comparison,
    to_boolean,
)
from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.values import Missing, Selector, Value

Expected = Callable[[VariableReader], Value]


class VariableNotFound(ValueError):
    """A condition names a variable that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`expected` holds references where the author wrote text."""

    selector: Selector
    operator: str
    compare: Comparison
    expected: Value | TemplateText

    def holds(self, variables: VariableReader) -> bool:
        """Raises VariableNotFound, ComparisonRefused and ValueError, their text for the user."""
        actual = variables.get(self.selector)
        if isinstance(actual, Missing):
            raise VariableNotFound(f"Variable {list(self.selector)} not found")
        return self.compare(actual, self._expected_for(actual, variables))

    def _expected_for(self, actual: Value, variables: VariableReader) -> Value:
        written = self.expected
        expected = written.render(variables) if isinstance(written, TemplateText) else written
        if self.operator not in _EXISTENCE and _speaks_of_booleans(actual):
            return to_boolean(expected)
        return expected

    @property
    def references(self) -> tuple[Selector, ...]:
        if isinstance(self.expected, TemplateText):
            return (self.selector, *self.expected.references)
        return (self.selector,)


def _speaks_of_booleans(actual: Value) -> bool:
    if isinstance(actual, list):
        return bool(actual) and all(isinstance(item, bool) for item in actual)
    return isinstance(actual, bool)


_EXISTENCE = frozenset({"exists", "not exists"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Several conditions under one logical operator."""

    operator: Literal["and", "or"]
    conditions: tuple[Condition, ...]

    def hold(self, variables: VariableReader) -> bool:
        """Raises what `Condition.holds` raises. No conditions: `and` holds, `or` does not."""
        decisive = self.operator == "or"
        for condition in self.conditions:
            if condition.holds(variables) == decisive:
                return decisive
        return not decisive

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(part for condition in self.conditions for part in condition.references)


def parse_conditions(settings: SettingsReader, name: str = "conditions") -> Conditions:
    """From `logical_operator` and the list `name`; what is wrong is reported to `settings`."""
    operator = settings.text("logical_operator", "and") or "and"
    if operator not in ("and", "or"):
        settings.report(
            "unknown_operator", f"unknown logical operator {operator}", "logical_operator"
        )
    found: list[Condition] = []
    for item in settings.items(name):
        condition = _parse_condition(item)
        if condition is not None:
            found.append(condition)
    return Conditions(operator="or" if operator == "or" else "and", conditions=tuple(found))


def _parse_condition(settings: SettingsReader) -> Condition | None:
    selector = settings.selector("variable_selector")
    operator = settings.text("comparison_operator", required=True)
    compare = COMPARISONS.get(operator)
    if compare is None and operator:
        settings.report("unknown_operator", f"unknown operator {operator}", "comparison_operator")
    if settings.has("sub_variable_condition"):
        settings.report(
            "unsupported",
            "conditions on parts of files are not available",
            "sub_variable_condition",
        )
    if selector is None or compare is None:
        return None
    value = settings.raw("value")
    return Condition(
        selector=selector,
        operator=operator,
        compare=compare,
        expected=parse_template_text(value) if isinstance(value, str) else value,
    )
