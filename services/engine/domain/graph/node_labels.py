"""What clients are told of a workflow's nodes beside their ids."""

from dataclasses import dataclass

from libs.common.contracts.workflows import WorkflowDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLabel:
    """What clients are shown of a node beside its id."""

    type: str
    title: str


def node_labels(definition: WorkflowDefinition) -> dict[str, NodeLabel]:
    """The labels of every node in `definition`; whatever is not a node is passed over."""
    found: dict[str, NodeLabel] = {}
    nodes = definition.graph.get("nodes")
    for node in nodes if isinstance(nodes, list) else []:
        if not isinstance(node, dict) or not isinstance(node.get("id"), str):
            continue
        data = node.get("data")
        data = data if isinstance(data, dict) else {}
        found[str(node["id"])] = NodeLabel(
            type=str(data.get("type", "")), title=str(data.get("title", ""))
        )
    return found
