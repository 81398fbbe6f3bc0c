"""Which response nodes show what, and what must be decided before they may: computed once.

A response node's session opens when, for some path from the root to it, every blocking edge on that
path was taken. An edge blocks when its source is a branch, a container or another response node.
Paths are not enumerated: a node is *open* when it can be reached over free and taken edges, which
grows by one edge at a time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.engine.domain.graph.graph import Graph
from services.engine.domain.node_parts.node_contract import OutputSegment


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePlan:
    """`templates` by node number of the response nodes. `blocking` says of each edge number
    whether it must be taken before text behind it may be shown; `opened` are the nodes that are
    open from the start, `aside` those that only another start leads to."""

    templates: Mapping[int, tuple[OutputSegment, ...]]
    blocking: tuple[bool, ...]
    opened: tuple[int, ...]
    aside: tuple[int, ...]


def plan_responses(
    graph: Graph,
    templates: Mapping[int, tuple[OutputSegment, ...]],
    blocking_sources: frozenset[int],
    starts: frozenset[int],
) -> ResponsePlan:
    """The plan for `graph`; `blocking_sources` are numbers of nodes whose edges block, `starts` of
    those where a run could begin."""
    blocking = tuple(edge.source in blocking_sources for edge in graph.edges)
    opened: set[int] = set()
    if graph.root is not None:
        opened.update(newly_open(graph, blocking, frozenset[int](), graph.root))
    return ResponsePlan(
        templates=templates,
        blocking=blocking,
        opened=tuple(sorted(opened)),
        aside=_aside(graph, starts),
    )


def newly_open(
    graph: Graph, blocking: tuple[bool, ...], known: Iterable[int], start: int
) -> list[int]:
    """`start` and what it leads to over free edges, without what is in `known`."""
    seen = known if isinstance(known, set | frozenset) else set(known)
    if start in seen:
        return []
    found = {start: None}
    pending = [start]
    while pending:
        for edge in graph.outgoing[pending.pop()]:
            if not blocking[edge.index] and edge.target not in seen and edge.target not in found:
                found[edge.target] = None
                pending.append(edge.target)
    return list(found)


def _aside(graph: Graph, starts: frozenset[int]) -> tuple[int, ...]:
    """The starts that are not the root, and what nothing but them leads to."""
    left = [len(edges) for edges in graph.incoming]
    pending = [node for node in sorted(starts) if node != graph.root]
    found = set(pending)
    while pending:
        for edge in graph.outgoing[pending.pop()]:
            left[edge.target] -= 1
            if left[edge.target] == 0 and edge.target not in found:
                found.add(edge.target)
                pending.append(edge.target)
    return tuple(sorted(found))
