"""The variables of a run: node id (or sys, env, conversation), then name, then value.

A frame may stand on its parent's pool: it reads through and writes only its own. Nothing is ever
copied; a value put here must not be changed afterwards.
"""

from collections import ChainMap
from collections.abc import Mapping
from typing import Protocol

from services.engine.domain.variables.files import FILE_ATTRIBUTES, file_attribute, is_file
from services.engine.domain.variables.values import MISSING, Missing, Selector, Value

_NOTHING: Mapping[str, Value] = {}


class _Parent(Protocol):
    def get(self, selector: Selector) -> Value | Missing: ...

    def names(self, scope: str) -> Mapping[str, Value]: ...


class VariablePool:
    """Implements `VariableReader`, plus writing.

    `parent` is what is read where this pool has no such variable.
    """

    __slots__ = ("_parent", "_scopes")

    def __init__(self, parent: _Parent | None = None) -> None:
        self._scopes: dict[str, dict[str, Value]] = {}
        self._parent = parent

    def get(self, selector: Selector) -> Value | Missing:
        """The value at `selector`, MISSING without such a variable or such a path in it.

        A path goes through keys of objects only, never through positions of a list. A file has its
        attributes, whatever keys it came with.
        """
        scope = self._scopes.get(selector[0])
        name = selector[1]
        if scope is None or name not in scope:
            return MISSING if self._parent is None else self._parent.get(selector)
        return value_at(scope[name], selector[2:]) if selector[2:] else scope[name]

    def names(self, scope: str) -> Mapping[str, Value]:
        """Every variable of `scope`, empty for an unknown one. A live view: do not change it."""
        own = self._scopes.get(scope)
        if self._parent is None:
            return _NOTHING if own is None else own
        inherited = self._parent.names(scope)
        return inherited if own is None else ChainMap(own, dict(inherited))

    def own(self, scope: str) -> Mapping[str, Value]:
        """What was written here, and not to the parent."""
        return self._scopes.get(scope, _NOTHING)

    def put(self, scope: str, name: str, value: Value) -> None:
        self._scopes.setdefault(scope, {})[name] = value

    def put_all(self, scope: str, values: Mapping[str, Value]) -> None:
        """Add `values`; a scope is known afterwards even if there are none."""
        self._scopes.setdefault(scope, {}).update(values)

    def snapshot(self) -> dict[str, dict[str, Value]]:
        """This pool's own variables, without its parent's."""
        return {scope: {**values} for scope, values in self._scopes.items()}

    def restore(self, saved: Mapping[str, Mapping[str, Value]]) -> None:
        """Become the pool that `saved` was taken of."""
        self._scopes = {scope: {**values} for scope, values in saved.items()}

    def clear(self, scope: str) -> None:
        """Forget this pool's own variables of `scope`."""
        self._scopes.pop(scope, None)


def value_at(value: Value, path: Selector) -> Value | Missing:
    """What `value` has at `path`; MISSING where it leads nowhere."""
    for key in path:
        if not isinstance(value, dict):
            return MISSING
        if key in value:
            value = value[key]
        elif is_file(value) and key in FILE_ATTRIBUTES:
            value = file_attribute(value, key)
        else:
            return MISSING
    return value
