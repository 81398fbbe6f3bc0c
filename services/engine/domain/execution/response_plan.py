"""Which response nodes show what, and what must be decided before they may: computed once.

A response node's session opens when, for some path from the root to it, every blocking edge on that
path was taken. An edge blocks when its source is a branch, a container or another response node,
and for those response nodes that show what a node changes, when its source is that node. Paths are
not enumerated: a node is *open* when it can be reached over free and taken edges, which grows by
one edge at a time. Response nodes that wait for the same share that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.engine.domain.graph.graph import Graph
from services.engine.domain.node_parts.node_contract import OutputSegment
from services.engine.domain.variables.values import Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseGroup:
    """Response nodes that wait for the same, by number. `blocking` says of each edge number whether
    it must be taken before text behind it may be shown; `opened` are the nodes that are open from
    the start."""

    nodes: frozenset[int]
    blocking: tuple[bool, ...]
    opened: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePlan:
    """`templates` by node number of the response nodes. `blocking` says of each edge number whether
    anybody waits for it; `aside` are the nodes that only another start leads to."""

    templates: Mapping[int, tuple[OutputSegment, ...]]
    blocking: tuple[bool, ...]
    groups: tuple[ResponseGroup, ...]
    aside: tuple[int, ...]


def plan_responses(
    graph: Graph,
    templates: Mapping[int, tuple[OutputSegment, ...]],
    blocking_sources: frozenset[int],
    starts: frozenset[int],
    changes: Mapping[int, frozenset[Selector]],
) -> ResponsePlan:
    """The plan for `graph`; `blocking_sources` are numbers of nodes whose edges block, `starts` of
    those where a run could begin, `changes` the variables that nodes change."""
    waiting: dict[frozenset[int], set[int]] = {}
    for node, template in templates.items():
        shown = {each.selector[:2] for each in template if each.selector is not None}
        changers = frozenset(number for number, changed in changes.items() if changed & shown)
        waiting.setdefault(changers, set()).add(node)
    groups = tuple(
        _group(graph, frozenset(nodes), blocking_sources | changers)
        for changers, nodes in waiting.items()
    )
    return ResponsePlan(
        templates=templates,
        blocking=tuple(any(group.blocking[edge.index] for group in groups) for edge in graph.edges),
        groups=groups,
        aside=_aside(graph, starts),
    )


def _group(graph: Graph, nodes: frozenset[int], sources: frozenset[int]) -> ResponseGroup:
    blocking = tuple(edge.source in sources for edge in graph.edges)
    opened: list[int] = []
    if graph.root is not None:
        opened = newly_open(graph, blocking, frozenset[int](), graph.root)
    return ResponseGroup(nodes=nodes, blocking=blocking, opened=tuple(sorted(opened)))


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
