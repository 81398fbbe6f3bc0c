"""A graph made ready to run: the outermost one, or the one inside a container."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.engine.domain.execution.failure_policy import FailurePolicy
from services.engine.domain.execution.response_plan import ResponsePlan, plan_responses
from services.engine.domain.graph.graph import Graph, GraphNode
from services.engine.domain.node_parts.node_contract import (
    AssignsVariables,
    Node,
    NodeType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledNode:
    """`node` is None for a type nobody knows. `branches`: it chooses one of its handles.
    `ends_loop` is the id of the loop that is over once this node has run."""

    place: GraphNode
    type: NodeType | None
    node: Node | None
    policy: FailurePolicy
    branches: bool
    ends_loop: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledFrame:
    """`nodes` by node number. `undecided` is the number of incoming edges that a run has to decide
    before a node's turn: those that come from nodes the root leads to.

    `passes_root`: the root only marks the beginning and is never run. `clears` are the scopes that
    a loop forgets before each round. `speaks`: text may be shown from here or from a container
    inside.
    """

    graph: Graph
    nodes: tuple[CompiledNode, ...]
    undecided: tuple[int, ...]
    responses: ResponsePlan
    passes_root: bool = False
    clears: tuple[str, ...] = ()
    speaks: bool = True


def is_container(node: CompiledNode) -> bool:
    return node.type is not None and node.type.execution == "container"


def start_of(place: GraphNode) -> str | None:
    """The id of the node with which a container's rounds begin, as its data has it."""
    start = place.data.get("start_node_id")
    return str(start) if isinstance(start, str | int) and start != "" else None


def undecided_edges(graph: Graph) -> tuple[int, ...]:
    """By node number: how many edges come from where the root leads to."""
    live = graph.reachable()
    return tuple(sum(edge.source in live for edge in edges) for edges in graph.incoming)


def planned_responses(
    graph: Graph, nodes: tuple[CompiledNode, ...], starts: frozenset[int]
) -> ResponsePlan:
    """The plan for `graph`, whose nodes are `nodes`; `starts` are those a run could begin with."""
    live = graph.reachable()
    templates = {
        node.place.index: node.type.response_template(node.place.data)
        for node in nodes
        if node.type is not None and node.type.response_template and node.place.index in live
    }
    blocking = frozenset(
        node.place.index
        for node in nodes
        if node.branches or (node.type and node.type.execution in {"response", "container"})
    )
    changes = {
        node.place.index: frozenset(node.node.targets)
        for node in nodes
        if isinstance(node.node, AssignsVariables)
    }
    return plan_responses(graph, templates, blocking, starts, changes)


class ContainerFrames:
    """Compiles what is inside the containers of a graph, each once, however deep it lies.

    `nested` are the ids of containers that contain themselves; they have no frame.
    """

    def __init__(self, graph: Graph, nodes: Mapping[str, CompiledNode]) -> None:
        self._graph = graph
        self._nodes = nodes
        self._inside = {
            node_id: part
            for node_id, node in nodes.items()
            if is_container(node) and (part := self._part(node)) is not None
        }
        self.nested = tuple(each for each in self._inside if each in self._below(each))

    def compiled(self) -> dict[str, CompiledFrame]:
        """Frames by the container's id."""
        return {
            container: self._frame(container, part)
            for container, part in self._inside.items()
            if not any(below in self.nested for below in (container, *self._below(container)))
        }

    def _part(self, container: CompiledNode) -> Graph | None:
        start = start_of(container.place)
        if start is None or start not in self._graph.index_of:
            return None
        return self._graph.part(self._graph.index_of[start])

    def _containers_in(self, container: str) -> Iterator[str]:
        for place in self._inside[container].nodes:
            if place.id in self._inside:
                yield place.id

    def _below(self, container: str) -> frozenset[str]:
        """Every container inside, at any depth."""
        found: set[str] = set()
        pending = [container]
        while pending:
            fresh = [each for each in self._containers_in(pending.pop()) if each not in found]
            found.update(fresh)
            pending.extend(fresh)
        return frozenset(found)

    def _frame(self, container: str, part: Graph) -> CompiledFrame:
        nodes = tuple(self._renumbered(place) for place in part.nodes)
        responses = planned_responses(part, nodes, frozenset())
        below = self._below(container)
        root = nodes[part.root or 0]
        return CompiledFrame(
            graph=part,
            nodes=nodes,
            undecided=undecided_edges(part),
            responses=responses,
            # A round with nothing in it is a step all the same, so that rounds stay counted.
            passes_root=root.type is not None
            and root.type.execution == "marker"
            and bool(part.outgoing[root.place.index]),
            clears=tuple(self._scopes((container, *sorted(below)))),
            speaks=any(self._shows(each) for each in (container, *below)),
        )

    def _renumbered(self, place: GraphNode) -> CompiledNode:
        known = self._nodes[place.id]
        return CompiledNode(
            place=place,
            type=known.type,
            node=known.node,
            policy=known.policy,
            branches=known.branches,
            ends_loop=known.ends_loop,
        )

    def _scopes(self, containers: tuple[str, ...]) -> Iterator[str]:
        for container in containers:
            for place in self._inside[container].nodes:
                yield place.id

    def _shows(self, container: str) -> bool:
        kinds = (self._nodes[place.id].type for place in self._inside[container].nodes)
        return any(kind is not None and kind.response_template is not None for kind in kinds)
