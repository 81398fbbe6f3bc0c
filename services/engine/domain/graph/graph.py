"""The topology of a workflow: nodes and edges by number, computed once, shared by all runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
        return frozenset() if self.root is None else frozenset(self._behind(self.root))

    def part(self, root: int) -> "Graph":
        """`root` and what it leads to, as a graph of its own, numbered in the same order."""
        kept = sorted(self._behind(root))
        number = {old: new for new, old in enumerate(kept)}
        old_edges = [edge for edge in self.edges if edge.source in number]
        edges = tuple(
            replace(edge, index=index, source=number[edge.source], target=number[edge.target])
            for index, edge in enumerate(old_edges)
        )
        outgoing: list[list[GraphEdge]] = [[] for _ in kept]
        incoming: list[list[GraphEdge]] = [[] for _ in kept]
        for edge in edges:
            outgoing[edge.source].append(edge)
            incoming[edge.target].append(edge)
        nodes = tuple(replace(self.nodes[old], index=new) for new, old in enumerate(kept))
        return Graph(
            nodes=nodes,
            edges=edges,
            outgoing=tuple(map(tuple, outgoing)),
            incoming=tuple(map(tuple, incoming)),
            index_of={node.id: node.index for node in nodes},
            root=number[root],
        )

    def _behind(self, root: int) -> set[int]:
        seen = {root}
        pending = [root]
        while pending:
            for edge in self.outgoing[pending.pop()]:
                if edge.target not in seen:
                    seen.add(edge.target)
                    pending.append(edge.target)
        return seen

    def cycle(self) -> list[str]:
        """Ids of the nodes of one cycle in the direction of its edges; empty without one."""
        stuck = self._on_or_behind_cycles()
        if not stuck:
            return []
        # Each of them has an edge from another of them: walking back comes round.
        walked: dict[int, None] = {}
        at = min(stuck)
        while at not in walked:
            walked[at] = None
            at = next(edge.source for edge in self.incoming[at] if edge.source in stuck)
        order = list(walked)
        circle = order[order.index(at) :][::-1]
        first = circle.index(min(circle))
        return [self.nodes[index].id for index in circle[first:] + circle[:first]]

    def _on_or_behind_cycles(self) -> set[int]:
        degree = [len(edges) for edges in self.incoming]
        pending = [node.index for node in self.nodes if degree[node.index] == 0]
        while pending:
            for edge in self.outgoing[pending.pop()]:
                degree[edge.target] -= 1
                if degree[edge.target] == 0:
                    pending.append(edge.target)
        return {node.index for node in self.nodes if degree[node.index] > 0}
