"""A workflow definition made ready to run: parsed, planned and validated once."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from libs.common.contracts.workflows import ValidationReport, WorkflowDefinition
from services.engine.domain.execution.failure_policy import FailurePolicy, parse_failure_policy
from services.engine.domain.execution.response_plan import ResponsePlan, plan_responses
from services.engine.domain.execution.validate_workflow import find_problems
from services.engine.domain.graph.build_graph import build_graph
from services.engine.domain.graph.graph import Graph, GraphNode
from services.engine.domain.node_parts.node_contract import Node, NodeType
from services.engine.domain.variables.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledNode:
    """`node` is None for a type nobody knows. `branches`: it chooses one of its handles."""

    place: GraphNode
    type: NodeType | None
    node: Node | None
    policy: FailurePolicy
    branches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledWorkflow:
    """`nodes` by node number. `undecided` is the number of incoming edges that a run has to decide
    before a node's turn: those that come from nodes the root leads to."""

    graph: Graph
    nodes: tuple[CompiledNode, ...]
    undecided: tuple[int, ...]
    responses: ResponsePlan
    report: ValidationReport


def compile_workflow(
    definition: WorkflowDefinition, catalogue: Mapping[str, NodeType]
) -> CompiledWorkflow:
    """Never raises: what is wrong stands in `report`, and only a report without errors may run."""
    roots = frozenset(name for name, kind in catalogue.items() if kind.execution == "root")
    built = build_graph(definition.graph, roots)
    graph = built.graph
    nodes = tuple(_compiled(place, catalogue.get(place.type)) for place in graph.nodes)
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
    starts = frozenset(place.index for place in graph.nodes if place.type in roots)
    parsed = {node.place.id: node.node for node in nodes if node.node is not None}
    policies = {node.place.id: node.policy for node in nodes}
    errors, warnings = find_problems(built, parsed, policies, catalogue)
    return CompiledWorkflow(
        graph=graph,
        nodes=nodes,
        undecided=tuple(
            sum(edge.source in live for edge in graph.incoming[place.index])
            for place in graph.nodes
        ),
        responses=plan_responses(graph, templates, blocking, starts),
        report=ValidationReport(
            content_hash=content_hash(definition),
            errors=errors,
            warnings=warnings,
            start_variables=_start_variables(graph),
        ),
    )


def content_hash(definition: WorkflowDefinition) -> str:
    """SHA-256 hex digest of the definition as JSON with sorted keys and no blank space."""
    content = json.dumps(
        definition.model_dump(mode="json"),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _compiled(place: GraphNode, kind: NodeType | None) -> CompiledNode:
    policy = parse_failure_policy(place.data, retryable=kind is not None and kind.retryable)
    return CompiledNode(
        place=place,
        type=kind,
        node=kind.parse(place.id, place.data) if kind is not None else None,
        policy=policy,
        branches=policy.strategy == "fail-branch"
        or (kind is not None and kind.execution == "branch"),
    )


def _start_variables(graph: Graph) -> tuple[dict[str, Value], ...]:
    if graph.root is None:
        return ()
    declared = graph.nodes[graph.root].data.get("variables")
    entries = declared if isinstance(declared, list) else []
    return tuple(cast("dict[str, Value]", entry) for entry in entries if isinstance(entry, dict))
