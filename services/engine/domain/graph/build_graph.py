"""From the DSL's `graph` mapping, which may hold anything, to a Graph and what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from services.engine.domain.graph.graph import DEFAULT_HANDLE, Graph, GraphEdge, GraphNode
from services.engine.domain.variables.values import Value

_NOTE = "custom-note"


@dataclass(frozen=True, slots=True, kw_only=True)
class DanglingEdge:
    """An edge whose `missing` end is no node of the graph."""

    source: str
    target: str
    missing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGraph:
    """`duplicates` are ids that stand twice; the first node of that id is kept."""

    graph: Graph
    dangling: tuple[DanglingEdge, ...]
    duplicates: tuple[str, ...]


def build_graph(raw: Mapping[str, Value], root_types: frozenset[str]) -> BuiltGraph:
    """Never raises. The root is the first node whose type is in `root_types`.

    Notes on the canvas are dropped, edges with ends that are no ids ignored.
    """
    nodes, duplicates = _nodes(raw.get("nodes"))
    index_of = {node.id: node.index for node in nodes}
    edges: list[GraphEdge] = []
    dangling: list[DanglingEdge] = []
    for source, target, handle in _ends(raw.get("edges")):
        missing = next((end for end in (source, target) if end not in index_of), None)
        if missing is not None:
            dangling.append(DanglingEdge(source=source, target=target, missing=missing))
            continue
        edges.append(
            GraphEdge(
                index=len(edges),
                source=index_of[source],
                target=index_of[target],
                handle=handle,
            )
        )
    graph = Graph(
        nodes=tuple(nodes),
        edges=tuple(edges),
        outgoing=_grouped(len(nodes), ((edge.source, edge) for edge in edges)),
        incoming=_grouped(len(nodes), ((edge.target, edge) for edge in edges)),
        index_of=index_of,
        root=next((node.index for node in nodes if node.type in root_types), None),
    )
    return BuiltGraph(graph=graph, dangling=tuple(dangling), duplicates=tuple(duplicates))


def _nodes(raw: Value) -> tuple[list[GraphNode], list[str]]:
    nodes: list[GraphNode] = []
    duplicates: list[str] = []
    known: set[str] = set()
    for entry in raw if isinstance(raw, list) else []:
        if not isinstance(entry, dict) or entry.get("type") == _NOTE:
            continue
        data = entry.get("data")
        node_id = entry.get("id")
        if not isinstance(data, dict) or not isinstance(node_id, str | int):
            continue
        kind = data.get("type")
        if not isinstance(kind, str) or not kind:
            continue
        if str(node_id) in known:
            duplicates.append(str(node_id))
            continue
        known.add(str(node_id))
        parent = entry.get("parentId")
        nodes.append(
            GraphNode(
                index=len(nodes),
                id=str(node_id),
                type=kind,
                title=str(data.get("title") or ""),
                data=cast("Mapping[str, Value]", data),
                parent=parent if isinstance(parent, str) and parent else None,
            )
        )
    return nodes, duplicates


def _ends(raw: Value) -> Iterable[tuple[str, str, str]]:
    for entry in raw if isinstance(raw, list) else []:
        if not isinstance(entry, dict):
            continue
        source, target = entry.get("source"), entry.get("target")
        # An id that is all digits may come unquoted, at a node as at an edge.
        if isinstance(source, str | int) and isinstance(target, str | int):
            handle = entry.get("sourceHandle")
            named = isinstance(handle, str) and handle
            yield str(source), str(target), str(handle) if named else DEFAULT_HANDLE


def _grouped(
    count: int, pairs: Iterable[tuple[int, GraphEdge]]
) -> tuple[tuple[GraphEdge, ...], ...]:
    groups: list[list[GraphEdge]] = [[] for _ in range(count)]
    for key, edge in pairs:
        groups[key].append(edge)
    return tuple(tuple(group) for group in groups)
