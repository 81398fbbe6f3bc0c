"""What can be said against a workflow before it runs."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from libs.common.contracts.workflows import Finding
from services.engine.domain.execution.compiled_frame import start_of
from services.engine.domain.execution.failure_policy import FailurePolicy
from services.engine.domain.execution.selector_targets import leading_nowhere
from services.engine.domain.graph.build_graph import BuiltGraph
from services.engine.domain.graph.graph import Graph, GraphNode
from services.engine.domain.node_parts.node_contract import Node, NodeType, Problem
from services.engine.domain.variables.selectors import RUN_SCOPES

_KNOWN_BUT_NOT_RUNNABLE = frozenset(
    {
        "agent",
        "datasource",
        "knowledge-index",
        "knowledge-retrieval",
        "knowledge-retrieval-v2",
    }
)

_LONGEST_ID = 255
_SHOWN = 10
"""Nodes of a circle that are named."""

Findings = tuple[Finding, ...]


def find_problems(
    built: BuiltGraph,
    nodes: Mapping[str, Node],
    policies: Mapping[str, FailurePolicy],
    catalogue: Mapping[str, NodeType],
    nested: Iterable[str] = (),
    variables: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> tuple[Findings, Findings]:
    """Errors, which forbid running, and warnings, in the order of the nodes. `nested` are the ids
    of containers that contain themselves, `variables` the names that a scope of the run declares,
    by that scope."""
    errors = [*_structure(built), *_nested(nested)]
    warnings: list[Finding] = []
    for place in built.graph.nodes:
        if place.id in RUN_SCOPES:
            errors.append(_reserved(place))
        if len(place.id) > _LONGEST_ID or not place.id.isprintable():
            errors.append(_unfit(place))
        if place.type not in catalogue:
            errors.append(_unknown_type(place))
            continue
        node = nodes[place.id]
        for problem in (*node.problems, *policies[place.id].problems):
            group = errors if problem.severity == "error" else warnings
            group.append(_of_problem(place, problem))
        if catalogue[place.type].execution == "container":
            errors.extend(_start(place, built.graph))
        warnings.extend(leading_nowhere(place, built.graph, nodes, policies, variables))
    return tuple(errors), tuple(warnings)


def _structure(built: BuiltGraph) -> Iterator[Finding]:
    graph = built.graph
    if graph.root is None:
        yield Finding(code="no_start", message="the graph has no start node")
    for node_id in built.duplicates:
        yield Finding(
            code="duplicate_node", message=f"two nodes have the id {node_id!r}", node_id=node_id
        )
    for edge in built.dangling:
        yield Finding(
            code="dangling_edge",
            message=f"an edge from {edge.source!r} to {edge.target!r} ends at no node: "
            f"{edge.missing!r} is not in the graph",
            node_id=edge.source if edge.missing != edge.source else edge.target,
            field="edges",
        )
    if cycle := graph.cycle():
        shown = " -> ".join([*cycle[:_SHOWN], *(["..."] if len(cycle) > _SHOWN else []), cycle[0]])
        yield Finding(
            code="cycle",
            message=f"the graph runs in a circle outside a loop: {shown}",
            node_id=cycle[0],
            field="edges",
        )


def _nested(containers: Iterable[str]) -> Iterator[Finding]:
    for node_id in containers:
        yield Finding(
            code="container_in_itself",
            message=f"the nodes inside {node_id!r} lead to {node_id!r} itself",
            node_id=node_id,
            field="start_node_id",
        )


def _start(place: GraphNode, graph: Graph) -> Iterator[Finding]:
    start = start_of(place)
    if start is not None and start in graph.index_of:
        return
    yield Finding(
        code="no_start_in_container",
        message="it does not say with which node its rounds begin"
        if start is None
        else f"its rounds begin with {start!r}, which is not in the graph",
        node_id=place.id,
        node_title=place.title,
        field="start_node_id",
    )


def _unfit(place: GraphNode) -> Finding:
    # It stands in the keys of its calls, in headers and in lines of logs.
    return Finding(
        code="unfit_node_id",
        message=f"a node's id is at most {_LONGEST_ID} characters that can be shown in one line",
        node_id=place.id,
        node_title=place.title,
    )


def _reserved(place: GraphNode) -> Finding:
    return Finding(
        code="reserved_node_id",
        message=f"{place.id!r} names variables of the run and cannot name a node",
        node_id=place.id,
        node_title=place.title,
        field="id",
    )


def _unknown_type(place: GraphNode) -> Finding:
    known = place.type in _KNOWN_BUT_NOT_RUNNABLE
    return Finding(
        code="node_type_not_runnable" if known else "unknown_node_type",
        message=f"nodes of type {place.type!r} cannot run yet"
        if known
        else f"no node type is called {place.type!r}",
        node_id=place.id,
        node_title=place.title,
        field="type",
    )


def _of_problem(place: GraphNode, problem: Problem) -> Finding:
    return Finding(
        code=problem.code,
        message=problem.message,
        node_id=place.id,
        node_title=place.title,
        field=problem.field,
    )
