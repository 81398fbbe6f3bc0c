"""The variables that a workflow declares beside its nodes, and what a run begins with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from libs.common.contracts.workflows import Finding, WorkflowDefinition
from services.engine.domain.node_parts.node_contract import VariableTypes
from services.engine.domain.variables.selectors import CONVERSATION
from services.engine.domain.variables.sizes import size_of
from services.engine.domain.variables.types import ValueType, fits, named_type
from services.engine.domain.variables.values import Value

_FIELD = "conversation_variables"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationVariable:
    """`kind` is None where the author names no known type. `value` is the first one."""

    id: str
    name: str
    kind: ValueType | None
    value: Value
    description: str

    def may_hold(self, value: Value) -> bool:
        return self.kind is None or fits(value, self.kind)


def declared_variables(definition: WorkflowDefinition) -> dict[str, ConversationVariable]:
    """By name; the first of a name counts. Without an id the name stands for it."""
    found: dict[str, ConversationVariable] = {}
    for raw in definition.conversation_variables:
        name = _text(raw.get("name"))
        variable = ConversationVariable(
            id=_text(raw.get("id")) or name,
            name=name,
            kind=named_type(_text(raw.get("value_type"))),
            value=raw.get("value"),
            description=_text(raw.get("description")),
        )
        found.setdefault(name, variable)
    return found


def variable_types(declared: Mapping[str, ConversationVariable]) -> VariableTypes:
    return {
        (CONVERSATION, each.name): each.kind for each in declared.values() if each.kind is not None
    }


def first_values(
    declared: Mapping[str, ConversationVariable],
    given: Mapping[str, Value],
    kept: Mapping[str, Value],
) -> dict[str, Value]:
    """What a run begins with: the declared values, those `given` for it instead of them, and what
    its conversation has `kept`, where that still fits the declared type."""
    values = {name: each.value for name, each in declared.items()} | {**given}
    for name, value in kept.items():
        variable = declared.get(name)
        if variable is not None and variable.may_hold(value):
            values[name] = value
    return values


def oversized_environment(definition: WorkflowDefinition, most_bytes: int) -> Iterator[Finding]:
    """Environment variables of more than `most_bytes`."""
    for index, raw in enumerate(definition.environment_variables):
        size = size_of(raw.get("value"))
        if size > most_bytes:
            name = _text(raw.get("name"))
            yield Finding(
                code="environment_variable",
                message=f"the environment variable {name!r}: {_too_large(size, most_bytes)}",
                field=f"environment_variables.{index}",
            )


def wrongly_declared(definition: WorkflowDefinition, most_bytes: int) -> Iterator[Finding]:
    """Why conversation variables cannot be kept; a value may have `most_bytes`."""
    seen: set[str] = set()
    for index, raw in enumerate(definition.conversation_variables):
        name = _text(raw.get("name"))
        wrong = _wrong(raw, most_bytes)
        if not name or not name.isprintable():
            wrong = "its name is empty or cannot be written"
        elif name in seen:
            wrong = "another one has the same name"
        seen.add(name)
        if wrong is not None:
            yield Finding(
                code="conversation_variable",
                message=f"the conversation variable {name!r}: {wrong}",
                field=f"{_FIELD}.{index}",
            )


def _wrong(raw: Mapping[str, Value], most_bytes: int) -> str | None:
    named = _text(raw.get("value_type"))
    kind = named_type(named)
    if kind is None or kind is ValueType.NONE:
        return f"not supported value type {named}"
    value = raw.get("value")
    if not fits(value, kind):
        return f"its first value is no {kind}"
    size = size_of(value)
    return _too_large(size, most_bytes) if size > most_bytes else None


def _too_large(size: int, most_bytes: int) -> str:
    return f"variable size {size} exceeds limit {most_bytes}"


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
