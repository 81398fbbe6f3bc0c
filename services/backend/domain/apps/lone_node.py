"""One node of a workflow as a workflow of its own, and the variables that stand in for the rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.json_reading import as_list, as_mapping
from services.backend.domain.apps.run_roots import ROOT_TYPES

Given = dict[str, dict[str, JsonValue]]
"""Values by scope (a node's id, sys, env, conversation) and name."""

_START = "start"
_Nodes = Mapping[str, dict[str, JsonValue]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneNode:
    """`definition` is a start that leads to the node and nothing else; `start_id` is that start's
    id, the node's own where runs can begin with it."""

    definition: WorkflowDefinition
    node_id: str
    start_id: str

    def split(self, given: Given) -> "GivenVariables":
        """`given` by where each part of it belongs."""
        rest = {**given}
        return GivenVariables(
            inputs=rest.pop(self.start_id, {}),
            system=rest.pop("sys", {}),
            environment=rest.pop("env", {}),
            conversation=rest.pop("conversation", {}),
            others=rest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenVariables:
    """`others` are those of nodes."""

    inputs: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    system: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    environment: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    conversation: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    others: Given = field(default_factory=dict[str, dict[str, JsonValue]])


def lone_node(definition: WorkflowDefinition, node_id: str) -> LoneNode | None:
    """The node, of a container with all that is inside, alone; None without such a node."""
    nodes = {_id(node): node for node in map(as_mapping, as_list(definition.graph.get("nodes")))}
    if node_id not in nodes:
        return None
    chosen = {key: value for key, value in nodes[node_id].items() if key != "parentId"}
    ways = [*_ways(definition)]
    inside = _inside(nodes, ways, node_id)
    kept: list[JsonValue] = [chosen, *(nodes[each] for each in inside)]
    edges: list[JsonValue] = [{**way} for way in ways if str(way.get("source")) in inside]
    start_id = node_id
    if _kind(chosen) not in ROOT_TYPES:
        start_id = next((name for name, node in nodes.items() if _kind(node) in ROOT_TYPES), _START)
        kept.insert(0, {"id": start_id, "data": {"type": _START, "title": "Start"}})
        edges.append({"source": start_id, "target": node_id, "sourceHandle": "source"})
    graph: dict[str, JsonValue] = {"nodes": kept, "edges": edges}
    alone = definition.model_copy(update={"graph": graph})
    return LoneNode(definition=alone, node_id=node_id, start_id=start_id)


def _inside(nodes: _Nodes, ways: list[dict[str, JsonValue]], container: str) -> list[str]:
    """What a container's rounds lead through, at any depth."""
    found: dict[str, None] = {}
    pending = [*_first_inside(nodes, container)]
    while pending:
        at = pending.pop()
        if at in found or at == container:
            continue
        found[at] = None
        behind = (str(way.get("target")) for way in ways if str(way.get("source")) == at)
        pending.extend(each for each in behind if each in nodes)
        pending.extend(_first_inside(nodes, at))
    return [*found]


def _first_inside(nodes: _Nodes, container: str) -> Iterator[str]:
    start = as_mapping(nodes[container].get("data")).get("start_node_id")
    if isinstance(start, str | int) and str(start) in nodes:
        yield str(start)


def _ways(definition: WorkflowDefinition) -> Iterator[dict[str, JsonValue]]:
    yield from map(as_mapping, as_list(definition.graph.get("edges")))


def _id(node: Mapping[str, JsonValue]) -> str:
    return str(node.get("id"))


def _kind(node: Mapping[str, JsonValue]) -> JsonValue:
    return as_mapping(node.get("data")).get("type")
