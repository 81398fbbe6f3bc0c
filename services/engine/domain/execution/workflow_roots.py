"""Where runs of a workflow may begin."""

from collections.abc import Iterator

from libs.common.contracts.workflows import Finding, WorkflowDefinition
from services.engine.domain.graph.graph import Graph, GraphNode

_START = "start"


def wrong_roots(graph: Graph, starts: frozenset[int]) -> Iterator[Finding]:
    """As on Dify, a workflow begins with its start node or with triggers, of which it may have
    several."""
    roots = [graph.nodes[number] for number in sorted(starts)]
    if any(root.type == _START for root in roots):
        for root in roots:
            if _is_trigger(root):
                message = "a workflow with a start node has no triggers"
                yield _finding("trigger_beside_start", message, root)


def idle_triggers(
    definition: WorkflowDefinition, graph: Graph, starts: frozenset[int]
) -> Iterator[Finding]:
    """Triggers of a chat, which begins with what its users say."""
    for number in sorted(starts) if definition.mode == "advanced-chat" else ():
        root = graph.nodes[number]
        if _is_trigger(root):
            message = "a chat begins with what its users say: nothing fires its triggers"
            yield _finding("trigger_in_chat", message, root)


def _is_trigger(root: GraphNode) -> bool:
    return root.type.startswith("trigger-")


def _finding(code: str, message: str, root: GraphNode) -> Finding:
    return Finding(code=code, message=message, node_id=root.id, node_title=root.title, field="type")
