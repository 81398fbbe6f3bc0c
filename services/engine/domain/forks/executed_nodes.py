"""The nodes that a run may execute, and what each may do to the world."""

from collections.abc import Iterable, Iterator
from typing import get_args

from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.compiled_frame import CompiledNode
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.node_parts.declared_effect import DeclaresEffect

_RANK: dict[NodeEffect, int] = {effect: rank for rank, effect in enumerate(get_args(NodeEffect))}
"""The contract lists them from the least to the greatest."""


def effect_of(node: CompiledNode) -> NodeEffect:
    """By the node's type and configuration."""
    return node.node.effect_class if isinstance(node.node, DeclaresEffect) else "pure"


def greatest_effect(effects: Iterable[NodeEffect]) -> NodeEffect:
    """The most that any of them does to the world."""
    greatest: NodeEffect = "pure"
    for effect in effects:
        greatest = effect if _RANK[effect] > _RANK[greatest] else greatest
    return greatest


def nodes_ahead(workflow: CompiledWorkflow, state: RunState) -> list[str]:
    """Ids in the run's own frame: those whose turn has come, and all that they lead to."""
    graph = workflow.graph
    pending = [node for path, node, _ in state.ready if not path]
    seen = dict.fromkeys(pending)
    for node in pending:
        for edge in graph.outgoing[node]:
            if edge.target not in seen:
                seen[edge.target] = None
                pending.append(edge.target)
    return [graph.nodes[node].id for node in seen]


def nodes_inside(workflow: CompiledWorkflow, container: str) -> Iterator[CompiledNode]:
    """What a container's rounds execute, at any depth; marks of a beginning are none."""
    frame = workflow.frames.get(container)
    for node in () if frame is None else frame.nodes:
        if node.type is None or node.type.execution != "marker":
            yield node
        yield from nodes_inside(workflow, node.place.id)


def container_of(workflow: CompiledWorkflow, node_id: str) -> str | None:
    """The container of the run's own frame that the node lies in."""
    inside = {
        place.id: container
        for container, frame in workflow.frames.items()
        for place in frame.graph.nodes
    }
    found = inside.get(node_id)
    while found is not None and found in inside:
        found = inside[found]
    return found
