"""Two runs side by side, node by node."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from libs.common.contracts.run_queries import NodeTrace
from services.backend.domain.runs.value_changes import NO_CHANGES, ValueChanges, value_changes

_RUN_ID = "sys.workflow_run_id"
"""What a start gives every run and no two alike."""

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDiff:
    """One execution of a node in both runs, or in one of them: then the other side is None.
    `changes` are those of its inputs and outputs, with pointers below `/inputs` and `/outputs`."""

    left: NodeTrace | None
    right: NodeTrace | None
    changes: ValueChanges = NO_CHANGES

    @property
    def shown(self) -> NodeTrace:
        """The side that there is."""
        found = self.right or self.left
        assert found is not None, "a node is in one run at least"
        return found

    @property
    def only_in(self) -> Side | None:
        if self.left is None:
            return "right"
        return "left" if self.right is None else None

    @property
    def same(self) -> bool:
        """Whether it took, gave and became the same; how long that took does not count."""
        if self.left is None or self.right is None or self.changes.found or self.changes.more:
            return False
        return (self.left.status, self.left.error) == (self.right.status, self.right.error)


def node_diffs(left: Iterable[NodeTrace], right: Iterable[NodeTrace]) -> Iterator[NodeDiff]:
    """In the order of `left`; what only `right` has follows the node before it there."""
    ours = {(node.node_id, node.frame_path): node for node in left}
    theirs = {(node.node_id, node.frame_path): node for node in right}
    follows: dict[tuple[str, str] | None, list[NodeTrace]] = {}
    last: tuple[str, str] | None = None
    for place, node in theirs.items():
        if place in ours:
            last = place
        else:
            follows.setdefault(last, []).append(node)
    yield from (NodeDiff(left=None, right=node) for node in follows.get(None, ()))
    for place, node in ours.items():
        yield _compared(node, theirs.get(place))
        yield from (NodeDiff(left=None, right=other) for other in follows.get(place, ()))


def _compared(left: NodeTrace, right: NodeTrace | None) -> NodeDiff:
    if right is None:
        return NodeDiff(left=left, right=None)
    return NodeDiff(left=left, right=right, changes=value_changes(_told(left), _told(right)))


def _told(node: NodeTrace) -> dict[str, JsonValue]:
    outputs = {name: value for name, value in node.outputs.items() if name != _RUN_ID}
    return {"inputs": {**node.inputs}, "outputs": outputs}
