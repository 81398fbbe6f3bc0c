"""loop: the nodes inside it over and over, until a condition holds or the rounds are used up."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.conditions import Conditions, parse_conditions
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.frames import FramesDone, RunFrames
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
    VariableReader,
    VariableTypes,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.types import ValueType, named_type
from services.engine.domain.variables.values import Missing, Selector, Value

_ROUND = "loop_round"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopVariable:
    """`selector` None: it begins as `value`. `kind` is None where the author names no known one."""

    name: str
    kind: ValueType | None = None
    value: Value = None
    selector: Selector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopNode:
    """`count` rounds at most."""

    node_id: str
    count: int
    variables: tuple[LoopVariable, ...]
    breaks: Conditions
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        own = (each.selector for each in self.variables if each.selector is not None)
        return (*own, *self.breaks.references)

    @property
    def variable_types(self) -> VariableTypes:
        declared = ((each.name, each.kind) for each in self.variables)
        return {(self.node_id, name): kind for name, kind in declared if kind is not None}

    @property
    def output_types(self) -> OutputTypes:
        return {**{each.name: each.kind for each in self.variables}, _ROUND: ValueType.INTEGER}

    def run(self, context: NodeContext) -> NodeRun:
        """Raises NodeFailure where a variable has no first value, a round failed, or a condition
        cannot be judged after one."""
        inputs: dict[str, Value] = {"loop_count": self.count}
        answer = yield RunFrames(
            container="loop",
            length=self.count,
            variables={each.name: self._first(each, context) for each in self.variables},
            enough=self._enough,
        )
        done = expect(FramesDone, answer)
        for failure in done.failures.values():
            raise NodeFailure(failure.error, error_type=failure.error_type, inputs=inputs)
        outputs: dict[str, Value] = {}
        if done.rounds:
            outputs = {each.name: self._last(each, context) for each in self.variables}
            outputs[_ROUND] = done.rounds
        return NodeResult(outputs=outputs, inputs=inputs, metadata=self._metadata(done))

    def _first(self, variable: LoopVariable, context: NodeContext) -> Value:
        if variable.selector is None:
            return variable.value
        value = context.variables.get(variable.selector)
        if isinstance(value, Missing):
            raise NodeFailure(f"Invalid value for loop variable {variable.name}")
        return value

    def _last(self, variable: LoopVariable, context: NodeContext) -> Value:
        value = context.variables.get((self.node_id, variable.name))
        return None if isinstance(value, Missing) else value

    def _enough(self, variables: VariableReader, done: int) -> bool:
        if not self.breaks.conditions:
            return False
        try:
            return self.breaks.hold(variables)
        except (ValueError, OverflowError) as refused:
            if not done:
                return False  # what the first round makes is not there yet
            raise NodeFailure(str(refused)) from refused

    def _metadata(self, done: FramesDone) -> dict[str, Value]:
        seconds: dict[str, Value] = {str(each): done.seconds[each] for each in sorted(done.seconds)}
        broken = done.rounds < self.count
        metadata: dict[str, Value] = {
            "loop_duration_map": seconds,
            "completed_reason": "loop_break" if broken else "loop_completed",
        }
        if done.total_tokens:
            metadata["total_tokens"] = done.total_tokens
        return metadata


def parse_loop(node_id: str, data: Mapping[str, Value]) -> LoopNode:
    settings = SettingsReader(data)
    count = settings.number("loop_count")
    if count is None or not math.isfinite(count) or count < 1:
        settings.report("out_of_range", "must be a number from 1 on", "loop_count")
        count = 1
    return LoopNode(
        node_id=node_id,
        count=int(count),
        variables=tuple(_variable(item) for item in settings.items("loop_variables")),
        breaks=parse_conditions(settings, "break_conditions"),
        problems=settings.problems,
    )


def _variable(settings: SettingsReader) -> LoopVariable:
    name = settings.text("label", required=True)
    kind = settings.text("var_type", "string")
    type_ = named_type(kind)
    if settings.text("value_type", "constant") == "variable":
        return LoopVariable(name=name, kind=type_, selector=settings.selector("value"))
    raw = settings.raw("value")
    try:
        return LoopVariable(name=name, kind=type_, value=_constant(kind, raw))
    except (ValueError, RecursionError):
        settings.report("wrong_type", f"does not fit the type {kind}", "value")
        return LoopVariable(name=name)


def _constant(kind: str, raw: Value) -> Value:
    """Raises ValueError where `raw` does not spell a value of `kind`."""
    if kind.startswith("array") or kind == "object":
        if raw is None or raw == "":
            return {} if kind == "object" else []
        value: Value = json.loads(raw) if isinstance(raw, str) else raw
        if not isinstance(value, dict if kind == "object" else list):
            raise ValueError(kind)
        return value
    read = _SCALARS.get(kind)
    return raw if read is None or not isinstance(raw, str) else read(raw)


def _number(text: str) -> Value:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _boolean(text: str) -> Value:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


_SCALARS: Mapping[str, Callable[[str], Value]] = {"number": _number, "boolean": _boolean}
