"""The node types that the engine's rows are made of, and graphs of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.node_parts.effects import RunCode, Wait
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    NodeType,
    Problem,
)
from services.engine.domain.nodes.catalogue import CATALOGUE
from services.engine.domain.variables.values import Selector

PAYLOAD = "x" * 100


@dataclass(frozen=True, slots=True)
class _Node:
    node_id: str
    data: Mapping[str, Any]
    references: tuple[Selector, ...] = ()
    problems: tuple[Problem, ...] = ()


class _Pass(_Node):
    """Reads its predecessor's output and writes a hundred bytes."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        context.variables.get((self.data["previous"], "output"))
        return NodeResult(outputs={"output": PAYLOAD})
        yield  # a generator all the same


class _Rest(_Node):
    """The same behind a wait inside the run."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        context.variables.get((self.data["previous"], "output"))
        yield Wait(seconds=self.data["seconds"])
        return NodeResult(outputs={"output": PAYLOAD})


class _Call(_Node):
    """The same behind one keyed call."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        context.variables.get((self.data["previous"], "output"))
        done = yield RunCode(call=CodeCall(language="python3", code="benchmark"))
        assert isinstance(done, CodeResult)
        return NodeResult(outputs={"output": done.result})


class _Items(_Node):
    """Gives a list of numbers."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        return NodeResult(outputs={"items": list(range(self.data["count"]))})
        yield  # a generator all the same


BENCH_CATALOGUE: Mapping[str, NodeType] = {
    **CATALOGUE,
    "pass": NodeType(type="pass", execution="executable", parse=_Pass),
    "rest": NodeType(type="rest", execution="executable", parse=_Rest),
    "call": NodeType(type="call", execution="executable", parse=_Call),
    "items": NodeType(type="items", execution="executable", parse=_Items),
}


def chain(kind: str, size: int, **data: Any) -> WorkflowDefinition:
    """`size` nodes of `kind` one after the other behind the start."""
    names = ["start", *(f"n{index}" for index in range(size))]
    pairs = list(pairwise(names))
    return _workflow([(name, kind, {**data, "previous": before}) for before, name in pairs], pairs)


def fan(size: int) -> WorkflowDefinition:
    """`size` pass-through nodes side by side behind the start, joined by one more."""
    names = [f"n{index}" for index in range(size)]
    nodes = [(name, "pass", {"previous": "start"}) for name in names]
    edges = [("start", name) for name in names] + [(name, "join") for name in names]
    return _workflow([*nodes, ("join", "pass", {"previous": "n0"})], edges)


def iteration(count: int, *, width: int = 1) -> WorkflowDefinition:
    """A pass-through node for each of `count` items, `width` items at once."""
    nodes: list[tuple[str, str, dict[str, Any]]] = [
        ("list", "items", {"count": count}),
        (
            "each",
            "iteration",
            {
                "iterator_selector": ["list", "items"],
                "output_selector": ["body", "output"],
                "start_node_id": "first",
                "is_parallel": width > 1,
                "parallel_nums": width,
            },
        ),
        ("first", "iteration-start", {}),
        ("body", "pass", {"previous": "each"}),
    ]
    edges = [("start", "list"), ("list", "each"), ("first", "body")]
    return _workflow(nodes, edges, inside={"first": "each", "body": "each"})


def _workflow(
    nodes: list[tuple[str, str, dict[str, Any]]],
    edges: list[tuple[str, str]],
    *,
    inside: Mapping[str, str] | None = None,
) -> WorkflowDefinition:
    """`inside` names the container of each node that lies in one."""
    parents = inside or {}
    every: list[tuple[str, str, dict[str, Any]]] = [("start", "start", {"variables": []}), *nodes]
    return WorkflowDefinition(
        mode="workflow",
        graph={
            "nodes": [
                {
                    "id": name,
                    "parentId": parents.get(name),
                    "data": {"type": kind, "title": name, **data},
                }
                for name, kind, data in every
            ],
            "edges": [
                {"id": f"{a}-{b}", "source": a, "target": b, "sourceHandle": "source"}
                for a, b in edges
            ],
        },
    )
