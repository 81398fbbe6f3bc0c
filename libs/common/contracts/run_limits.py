"""What a run may use: the narrowest of what its deployment, its workflow and its caller allow."""

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

MOST_DEPTH = 5
"""How deep runs may call runs unless a deployment says otherwise; the outermost is at depth 0."""

_MOST = 2**53
"""A bound above it bounds nothing, and need not be a number that anybody can count with."""

_Number = TypeVar("_Number", int, float)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunLimits(_Frozen):
    """Steps (node executions), seconds of wall time, tokens of model calls (None: no bound), and
    the depth at which a run may still be called. The defaults are Dify's."""

    max_steps: int = 500
    max_seconds: float = 1200.0
    max_tokens: int | None = None
    max_depth: int = MOST_DEPTH


class RunBounds(_Frozen):
    """Bounds that somebody sets to one run, in the units of RunLimits; None: none of one's own.
    `max_depth` is how many runs deep this one may call."""

    max_steps: int | None = None
    max_seconds: float | None = None
    max_tokens: int | None = None
    max_depth: int | None = None


NO_BOUNDS = RunBounds()


def declared_bounds(features: dict[str, JsonValue]) -> RunBounds:
    """Those of a workflow, under `run_limits` of its `features`. What is no bound there is passed
    over: it was told of when the workflow was validated."""
    declared = features.get("run_limits")
    if not isinstance(declared, dict):
        return NO_BOUNDS
    found = {
        name: value
        for name, value in declared.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _MOST
    }
    seconds = found.get("max_seconds")
    return RunBounds(
        max_steps=_whole(found, "max_steps"),
        max_seconds=None if seconds is None else float(seconds),
        max_tokens=_whole(found, "max_tokens"),
        max_depth=_whole(found, "max_depth"),
    )


def narrowed(limits: RunLimits, *bounds: RunBounds, depth: int = 0) -> RunLimits:
    """The least of all, for a run at `depth`: nobody widens anything."""
    tokens = [*_given(limits.max_tokens, *(each.max_tokens for each in bounds))]
    depths = (None if each.max_depth is None else depth + each.max_depth for each in bounds)
    return RunLimits(
        max_steps=min(_given(limits.max_steps, *(each.max_steps for each in bounds))),
        max_seconds=min(_given(limits.max_seconds, *(each.max_seconds for each in bounds))),
        max_tokens=min(tokens) if tokens else None,
        max_depth=min(_given(limits.max_depth, *depths)),
    )


def _whole(found: dict[str, int | float], name: str) -> int | None:
    value = found.get(name)
    return None if value is None or value < 1 else int(value)


def _given(*bounds: _Number | None) -> Iterator[_Number]:
    return (bound for bound in bounds if bound is not None)
