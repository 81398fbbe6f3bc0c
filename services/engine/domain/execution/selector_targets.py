"""Selectors that lead nowhere, as far as that shows before a run."""

from collections.abc import Collection, Iterator, Mapping

from libs.common.contracts.workflows import Finding
from services.engine.domain.execution.failure_policy import FailurePolicy
from services.engine.domain.graph.graph import Graph, GraphNode
from services.engine.domain.node_parts.node_contract import (
    BringsOthers,
    DeclaresOutputs,
    Node,
    OutputTypes,
)
from services.engine.domain.variables.files import FILE_PARTS
from services.engine.domain.variables.selectors import CONVERSATION, ENVIRONMENT, RUN_SCOPES
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector

_ERROR_OUTPUTS: OutputTypes = {
    "error_message": ValueType.STRING,
    "error_type": ValueType.STRING,
}
_SCOPES = {CONVERSATION: "a conversation variable", ENVIRONMENT: "an environment variable"}
_WITH_KEYS = frozenset({None, ValueType.OBJECT})
"""Types that a selector's path may go into, wherever it leads."""


def leading_nowhere(
    place: GraphNode,
    graph: Graph,
    nodes: Mapping[str, Node],
    policies: Mapping[str, FailurePolicy],
    variables: Mapping[str, Collection[str]],
) -> Iterator[Finding]:
    """A warning a selector of `place`; one for all those to the same missing node. `variables` are
    the names that a scope of the run declares, by that scope."""
    strangers: set[str] = set()
    for selector in dict.fromkeys(nodes[place.id].references):
        target = selector[0]
        if target in variables and selector[1] not in variables[target]:
            yield _nowhere(place, selector, f"{_SCOPES[target]} that is not declared")
        if target in RUN_SCOPES:
            continue
        if target not in graph.index_of:
            if target not in strangers:
                strangers.add(target)
                yield _nowhere(place, selector, f"{target!r}, which is not in the graph")
            continue
        node = nodes.get(target)
        declared = _declared(node, policies[target])
        if declared is None:
            continue
        if selector[1] not in declared and isinstance(node, BringsOthers):
            if doubt := node.doubts(selector[1]):
                yield _nowhere(place, selector, doubt, code="undeclared_input")
        elif missing := _missing(selector, declared):
            yield _nowhere(place, selector, missing)


def _declared(node: Node | None, policy: FailurePolicy) -> OutputTypes | None:
    if not isinstance(node, DeclaresOutputs):
        return None
    if policy.strategy == "none":
        return node.output_types
    return {**node.output_types, **dict.fromkeys(policy.defaults), **_ERROR_OUTPUTS}


def _missing(selector: Selector, declared: OutputTypes) -> str | None:
    target, name, *path = selector
    if name not in declared:
        known = ", ".join(declared) or "none"
        return f"an output that {target!r} does not have (it has: {known})"
    kind = declared[name]
    if path and kind is ValueType.FILE:
        if path[0] in FILE_PARTS and len(path) == 1:
            return None
        return f"a part that no file has (files have: {', '.join(sorted(FILE_PARTS))})"
    if path and kind not in _WITH_KEYS:
        return f"a part of {target}.{name}, which is {kind} and has none"
    return None


def _nowhere(
    place: GraphNode, selector: Selector, what: str, *, code: str = "selector_to_nowhere"
) -> Finding:
    return Finding(
        code=code,
        message=f"{'.'.join(selector)} points at {what}",
        node_id=place.id,
        node_title=place.title,
    )
