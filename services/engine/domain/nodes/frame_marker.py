"""iteration-start, loop-start and loop-end: places inside a container, nothing to do at."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMarkerNode(PureNode):
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def output_types(self) -> OutputTypes:
        return {}

    def evaluate(self, context: NodeContext) -> NodeResult:
        return NodeResult()


def parse_frame_marker(node_id: str, data: Mapping[str, Value]) -> FrameMarkerNode:
    return FrameMarkerNode()
