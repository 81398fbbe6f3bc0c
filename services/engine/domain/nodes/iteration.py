"""iteration: the nodes inside it once for each item of a list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.frames import FramesDone, RunFrames
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Missing, Selector, Value

ErrorMode = Literal["terminated", "continue-on-error", "remove-abnormal-output"]
_MODES: Mapping[str, ErrorMode] = {
    "terminated": "terminated",
    "continue-on-error": "continue-on-error",
    "remove-abnormal-output": "remove-abnormal-output",
}
_WIDTH = 10
_MOST_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationNode:
    """`width` items at most are under way at once. Without `items` it cannot run."""

    items: Selector
    output: Selector | None
    width: int
    mode: ErrorMode
    flattens: bool
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return tuple(each for each in (self.items, self.output) if each)

    @property
    def output_types(self) -> OutputTypes:
        """What nodes inside it read, and what those behind it do."""
        return {"item": None, "index": ValueType.INTEGER, "output": ValueType.ARRAY_ANY}

    def run(self, context: NodeContext) -> NodeRun:
        """Raises NodeFailure where there is no list, and where an item failed that must not."""
        items = self._items(context)
        answer = yield RunFrames(
            container="iteration",
            length=len(items),
            width=self.width,
            items=items,
            variables={},
            output=self.output,
            stops_at_failure=self.mode == "terminated",
        )
        done = expect(FramesDone, answer)
        inputs: dict[str, Value] = {"iterator_selector": items}
        outputs: dict[str, Value] = {"output": self._output(done)}
        if done.failures and self.mode == "terminated":
            first = done.failures[min(done.failures)]
            raise NodeFailure(
                first.error, error_type=first.error_type, inputs=inputs, outputs=outputs
            )
        return NodeResult(outputs=outputs, inputs=inputs, metadata=_metadata(done))

    def _items(self, context: NodeContext) -> list[Value]:
        value = context.variables.get(self.items)
        if isinstance(value, Missing):
            raise NodeFailure(
                f"iterator variable {list(self.items)} not found",
                error_type="IteratorVariableNotFoundError",
            )
        if value is None:
            return []
        if not isinstance(value, list):
            raise NodeFailure(
                f"invalid iterator value: {value!r}, please provide a list.",
                error_type="InvalidIteratorValueError",
            )
        return value

    def _output(self, done: FramesDone) -> list[Value]:
        ended = sorted([*done.outputs, *done.failures])
        if self.mode != "continue-on-error":
            ended = [index for index in ended if index in done.outputs]
        values = [done.outputs.get(index) for index in ended]
        return _flat(values) if self.flattens else values


def _flat(values: list[Value]) -> list[Value]:
    """One level less, where every value that is one is a list."""
    lists = [value for value in values if isinstance(value, list)]
    if not lists or any(not isinstance(value, list) and value is not None for value in values):
        return values
    return [item for value in lists for item in value]


def _metadata(done: FramesDone) -> dict[str, Value]:
    seconds: dict[str, Value] = {str(index): done.seconds[index] for index in sorted(done.seconds)}
    metadata: dict[str, Value] = {"iteration_duration_map": seconds}
    if done.total_tokens:
        metadata["total_tokens"] = done.total_tokens
    return metadata


def parse_iteration(node_id: str, data: Mapping[str, Value]) -> IterationNode:
    settings = SettingsReader(data)
    mode = settings.text("error_handle_mode", "terminated") or "terminated"
    if mode not in _MODES:
        settings.report("unknown_mode", f"unknown error mode {mode}", "error_handle_mode")
    width = settings.number("parallel_nums")
    if width is not None and not 1 <= width <= _MOST_WIDTH:
        settings.report(
            "out_of_range", f"must be a number from 1 to {_MOST_WIDTH}", "parallel_nums"
        )
        width = None
    parallel = settings.flag("is_parallel")
    return IterationNode(
        items=settings.selector("iterator_selector") or (),
        output=settings.selector("output_selector"),
        width=int(width or _WIDTH) if parallel else 1,
        mode=_MODES.get(mode, "terminated"),
        flattens=settings.flag("flatten_output", default=True),
        problems=settings.problems,
    )
