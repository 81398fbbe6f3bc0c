"""Two runs side by side as the native API shows them."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.run_queries import NodeTrace
from services.backend.app.runs.diff_runs import RunDiff
from services.backend.app.runs.show_run import ShownRun
from services.backend.domain.runs.run_diff import NodeDiff
from services.backend.domain.runs.value_changes import ValueChange, ValueChanges


class ChangeView(BaseModel):
    """`pointer` is a JSON pointer; `left` and `right` are excerpts of the values as JSON."""

    pointer: str
    kind: Literal["added", "removed", "changed"]
    left: str | None
    right: str | None

    @classmethod
    def of(cls, change: ValueChange) -> "ChangeView":
        return cls(pointer=change.pointer, kind=change.kind, left=change.left, right=change.right)

    @classmethod
    def all_of(cls, changes: ValueChanges) -> "list[ChangeView]":
        return [cls.of(change) for change in changes.found]


class RunSide(BaseModel):
    run_id: UUID
    version_id: UUID
    status: str
    error: str | None
    elapsed_seconds: float | None
    total_tokens: int

    @classmethod
    def of(cls, shown: ShownRun) -> "RunSide":
        ending = shown.run.ending
        return cls(
            run_id=shown.run.run_id,
            version_id=shown.run.version_id,
            status=shown.status,
            error=ending.error if ending else None,
            elapsed_seconds=ending.elapsed_seconds if ending else None,
            total_tokens=ending.total_tokens if ending else 0,
        )


class NodeSide(BaseModel):
    """`taken_from` is the run that executed the node, where this one took it over."""

    status: str
    error: str | None
    elapsed_seconds: float
    total_tokens: int
    taken_from: UUID | None

    @classmethod
    def of(cls, node: NodeTrace | None) -> "NodeSide | None":
        if node is None:
            return None
        return cls(
            status=node.status,
            error=node.error,
            elapsed_seconds=node.elapsed_seconds,
            total_tokens=node.total_tokens,
            taken_from=node.taken_from,
        )


class NodeDiffView(BaseModel):
    """`same`: it took, gave and became the same. `changes` are at most 20, `more_changes` that
    there are others."""

    node_id: str
    frame_path: str
    title: str
    type: str
    only_in: Literal["left", "right"] | None
    same: bool
    left: NodeSide | None
    right: NodeSide | None
    changes: list[ChangeView]
    more_changes: bool

    @classmethod
    def of(cls, node: NodeDiff) -> "NodeDiffView":
        return cls(
            node_id=node.shown.node_id,
            frame_path=node.shown.frame_path,
            title=node.shown.title,
            type=node.shown.node_type,
            only_in=node.only_in,
            same=node.same,
            left=NodeSide.of(node.left),
            right=NodeSide.of(node.right),
            changes=ChangeView.all_of(node.changes),
            more_changes=node.changes.more,
        )


class DiffView(BaseModel):
    """`changes` are between what the runs were given and gave as a whole. `same`: nothing of it and
    no node differs. `whole` False: there are nodes that are not compared or not shown."""

    left: RunSide
    right: RunSide
    same: bool
    changes: list[ChangeView]
    nodes: list[NodeDiffView]
    whole: bool

    @classmethod
    def of(cls, diff: RunDiff, *, changed: bool, limit: int) -> "DiffView":
        """`changed`: only nodes that differ; at most `limit` nodes."""
        nodes = [node for node in diff.nodes if not (changed and node.same)]
        left, right = RunSide.of(diff.left), RunSide.of(diff.right)
        return cls(
            left=left,
            right=right,
            same=left.status == right.status
            and not diff.changes.found
            and all(node.same for node in diff.nodes),
            changes=ChangeView.all_of(diff.changes),
            nodes=[NodeDiffView.of(node) for node in nodes[:limit]],
            whole=diff.whole and len(nodes) <= limit,
        )
