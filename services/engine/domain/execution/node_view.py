"""The variables of a run as one node under way sees them."""

from collections.abc import Mapping

from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.variables.pool import VariablePool, value_at
from services.engine.domain.variables.values import MISSING, Missing, Selector, Value


class NodeView:
    """Implements VariableReader. A node that is carried on elsewhere is run again from its start,
    so its whole attempt sees the variables of that start: what has changed since is put aside."""

    __slots__ = ("_pool", "_progress")

    def __init__(self, pool: VariablePool, progress: NodeProgress) -> None:
        self._pool = pool
        self._progress = progress

    def get(self, selector: Selector) -> Value | Missing:
        if self._progress.before:
            for each in self._progress.before:
                if (each.scope, each.name) == selector[:2]:
                    return value_at(each.value, selector[2:]) if each.known else MISSING
        return self._pool.get(selector)

    def names(self, scope: str) -> Mapping[str, Value]:
        changed = [each for each in self._progress.before if each.scope == scope]
        found = self._pool.names(scope)
        if not changed:
            return found
        kept = {**found, **{each.name: each.value for each in changed}}
        for each in changed:
            if not each.known:
                del kept[each.name]
        return kept
