"""The run's own variables, as the node that a run begins with gives them."""

from collections.abc import Iterable

from services.engine.domain.node_parts.node_contract import NodeContext
from services.engine.domain.variables.values import Value


def run_outputs(context: NodeContext, scopes: Iterable[str]) -> dict[str, Value]:
    """A variable of a scope becomes `scope.name`."""
    return {
        f"{scope}.{name}": value
        for scope in scopes
        for name, value in context.variables.names(scope).items()
    }
