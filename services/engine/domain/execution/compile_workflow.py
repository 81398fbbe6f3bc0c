"""A workflow definition made ready to run: parsed, planned and validated once."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from libs.common.contracts.workflows import ValidationReport, WorkflowDefinition
from services.engine.domain.execution.called_workflows import knowing_called
from services.engine.domain.execution.compiled_frame import (
    CompiledFrame,
    CompiledNode,
    ContainerFrames,
    planned_responses,
    undecided_edges,
)
from services.engine.domain.execution.conversation_variables import (
    ConversationVariable,
    declared_variables,
    oversized_environment,
    variable_types,
    wrongly_declared,
)
from services.engine.domain.execution.declared_limits import wrong_limits
from services.engine.domain.execution.declared_turns import wrong_turns
from services.engine.domain.execution.failure_policy import parse_failure_policy
from services.engine.domain.execution.validate_workflow import find_problems
from services.engine.domain.execution.workflow_roots import idle_triggers, wrong_roots
from services.engine.domain.graph.build_graph import build_graph
from services.engine.domain.graph.graph import Graph, GraphNode
from services.engine.domain.node_parts.called_workflow import KnownWorkflow
from services.engine.domain.node_parts.node_contract import (
    AssignsVariables,
    DeclaresVariables,
    NodeType,
    VariableTypes,
)
from services.engine.domain.variables.selectors import CONVERSATION, ENVIRONMENT
from services.engine.domain.variables.sizes import VARIABLE_BYTES
from services.engine.domain.variables.values import Value

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_NOTHING_KNOWN: Mapping[str, KnownWorkflow] = {}
_NODES_DEPTH = 3
"""definition, graph, nodes: a graph of megabytes in one piece would hold every other thread up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledWorkflow(CompiledFrame):
    """The outermost frame, those of all containers by the container's id, and the conversation
    variables by their name. `others` are the same workflow begun with another of its roots, by that
    root's id."""

    frames: Mapping[str, CompiledFrame]
    conversation: Mapping[str, ConversationVariable]
    report: ValidationReport
    others: Mapping[str, "CompiledWorkflow"] = field(default_factory=dict[str, "CompiledWorkflow"])

    def begun_with(self, root: str | None) -> "CompiledWorkflow | None":
        """The workflow as runs execute that begin with the node `root`, None: with the first of
        its roots. None where no run can."""
        first = self.graph.root
        if root is None or (first is not None and self.graph.nodes[first].id == root):
            return self
        return self.others.get(root)


def compile_workflow(
    definition: WorkflowDefinition,
    catalogue: Mapping[str, NodeType],
    *,
    variable_bytes: int = VARIABLE_BYTES,
    digest: str | None = None,
    called: Mapping[str, KnownWorkflow] = _NOTHING_KNOWN,
) -> CompiledWorkflow:
    """Never raises: what is wrong stands in `report`, and only a report without errors may run. A
    conversation variable may begin with `variable_bytes`. `digest` is the content hash, where it is
    known already. `called` is what is known, by reference, of the workflows that its nodes call."""
    roots = frozenset(name for name, kind in catalogue.items() if kind.execution == "root")
    built = build_graph(definition.graph, roots)
    graph = built.graph
    conversation = declared_variables(definition)
    nodes = _typed(
        knowing_called(
            [_compiled(place, catalogue.get(place.type)) for place in graph.nodes], called
        ),
        variable_types(conversation),
    )
    by_id = {node.place.id: node for node in nodes}
    inside = ContainerFrames(graph, by_id)
    starts = frozenset(place.index for place in graph.nodes if place.type in roots)
    parsed = {node.place.id: node.node for node in nodes if node.node is not None}
    policies = {node.place.id: node.policy for node in nodes}
    errors, warnings = find_problems(
        built,
        parsed,
        policies,
        catalogue,
        inside.nested,
        {CONVERSATION: conversation.keys(), ENVIRONMENT: _environment_names(definition)},
    )
    compiled = CompiledWorkflow(
        graph=graph,
        nodes=nodes,
        undecided=undecided_edges(graph),
        responses=planned_responses(graph, nodes, starts),
        frames=inside.compiled(),
        conversation=conversation,
        report=ValidationReport(
            content_hash=digest or content_hash(definition),
            errors=(
                *errors,
                *oversized_environment(definition, variable_bytes),
                *wrongly_declared(definition, variable_bytes),
                *wrong_limits(definition),
                *wrong_roots(graph, starts),
                *wrong_turns(definition),
            ),
            warnings=(*warnings, *idle_triggers(definition, graph, starts)),
            start_variables=_start_variables(graph),
        ),
    )
    if len(starts) < 2:
        return compiled
    others = {graph.nodes[root].id: _begun(compiled, root, starts) for root in starts}
    return replace(compiled, others=others)


def _environment_names(definition: WorkflowDefinition) -> frozenset[str]:
    names = (variable.get("name") for variable in definition.environment_variables)
    return frozenset(name for name in names if isinstance(name, str))


def _begun(compiled: CompiledWorkflow, root: int, starts: frozenset[int]) -> CompiledWorkflow:
    graph = replace(compiled.graph, root=root)
    return replace(
        compiled,
        graph=graph,
        undecided=undecided_edges(graph),
        responses=planned_responses(graph, compiled.nodes, starts),
    )


def content_hash(definition: WorkflowDefinition) -> str:
    """SHA-256 hex digest of the definition as JSON with sorted keys and no blank space."""
    digest = hashlib.sha256()
    for piece in _pieces(dict(definition), _NODES_DEPTH):
        digest.update(piece.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _pieces(value: Value | tuple[Value, ...], depth: int) -> Iterator[str]:
    """`value` as JSON; what lies `depth` levels down comes in one piece."""
    if depth and isinstance(value, dict):
        yield "{"
        for place, key in enumerate(sorted(value)):
            yield f"{',' if place else ''}{_JSON.encode(key)}:"
            yield from _pieces(value[key], depth - 1)
        yield "}"
    elif depth and isinstance(value, list | tuple):
        yield "["
        for place, item in enumerate(value):
            if place:
                yield ","
            yield from _pieces(item, depth - 1)
        yield "]"
    else:
        yield _JSON.encode(value)


def _compiled(place: GraphNode, kind: NodeType | None) -> CompiledNode:
    policy = parse_failure_policy(place.data, retryable=kind is not None and kind.retryable)
    return CompiledNode(
        place=place,
        type=kind,
        node=kind.parse(place.id, place.data) if kind is not None else None,
        policy=policy,
        branches=policy.strategy == "fail-branch"
        or (kind is not None and kind.execution == "branch"),
        ends_loop=_ended_loop(place) if kind is not None and kind.execution == "break" else None,
    )


def _typed(nodes: Sequence[CompiledNode], types: VariableTypes) -> tuple[CompiledNode, ...]:
    """The nodes, each told the types of what it may change."""
    known = {**types}
    for each in nodes:
        if isinstance(each.node, DeclaresVariables):
            known.update(each.node.variable_types)
    return tuple(
        replace(each, node=each.node.knowing(known))
        if isinstance(each.node, AssignsVariables)
        else each
        for each in nodes
    )


def _ended_loop(place: GraphNode) -> str | None:
    loop = place.data.get("loop_id")
    return str(loop) if isinstance(loop, str | int) and loop != "" else place.parent


def _start_variables(graph: Graph) -> tuple[dict[str, Value], ...]:
    if graph.root is None or graph.nodes[graph.root].type.startswith("trigger-"):
        return ()
    declared = graph.nodes[graph.root].data.get("variables")
    entries = declared if isinstance(declared, list) else []
    return tuple(cast("dict[str, Value]", entry) for entry in entries if isinstance(entry, dict))
