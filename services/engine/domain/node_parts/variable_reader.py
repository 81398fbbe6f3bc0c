"""How nodes and what belongs to them read variables."""

from collections.abc import Mapping
from typing import Protocol

from services.engine.domain.variables.values import Missing, Selector, Value


class VariableReader(Protocol):
    """Read access to the variables a node can see."""

    def get(self, selector: Selector) -> Value | Missing:
        """The value, MISSING where none exists, be it the variable or a path inside it."""
        ...

    def names(self, scope: str) -> Mapping[str, Value]:
        """Every variable of one node id or of sys, env, conversation."""
        ...
