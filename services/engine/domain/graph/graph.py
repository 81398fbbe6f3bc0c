"""The topology of a workflow: nodes and edges by number, computed once, shared by all runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.engine.domain.variables.values import Value

DEFAULT_HANDLE = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """`data` is the node's own configuration; `parent` the id of the container it lives in."""

    index: int
    id: str
    type: str
    title: str
    data: Mapping[str, Value]
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """`source` and `target` are node numbers."""

    index: int
    source: int
    target: int
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """`outgoing` and `incoming` list edges by node number. `root` is None without a start."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    outgoing: tuple[tuple[GraphEdge, ...], ...]
    incoming: tuple[tuple[GraphEdge, ...], ...]
    index_of: Mapping[str, int]
    root: int | None

    def reachable(self) -> frozenset[int]:
        """Numbers of the nodes that a path leads to from the root, the root included."""
        if self.root is None:
            return frozenset()
        seen = {self.root}
        pending = [self.root]
        while pending:
            for edge in self.outgoing[pending.pop()]:
                if edge.target not in seen:
                    seen.add(edge.target)
                    pending.append(edge.target)
        return frozenset(seen)

    def cycle(self) -> list[str]:
        """Ids of nodes that lie on, or only behind, a cycle; empty without one."""
        degree = [len(edges) for edges in self.incoming]
        pending = [node.index for node in self.nodes if degree[node.index] == 0]
        while pending:
            for edge in self.outgoing[pending.pop()]:
                degree[edge.target] -= 1
                if degree[edge.target] == 0:
                    pending.append(edge.target)
        return [node.id for node in self.nodes if degree[node.index] > 0]
