"""The bounds that a workflow sets to its own runs, `features.run_limits`."""

import math
from collections.abc import Iterator

from libs.common.contracts.workflows import Finding, WorkflowDefinition
from services.engine.domain.variables.values import Value

_NAMES = ("max_steps", "max_seconds", "max_tokens", "max_depth")


def wrong_limits(definition: WorkflowDefinition) -> Iterator[Finding]:
    """What of them cannot be kept to."""
    declared = definition.features.get("run_limits")
    if declared is None:
        return
    if not isinstance(declared, dict):
        yield _wrong("run_limits", "it is no object")
        return
    for name, value in declared.items():
        if name not in _NAMES:
            yield _wrong(f"run_limits.{name}", f"there are {', '.join(_NAMES)}")
        elif value is not None and not _is_bound(name, value):
            kind = "a number" if name == "max_seconds" else "a whole number"
            yield _wrong(f"run_limits.{name}", f"it is {kind} above 0")


def _is_bound(name: str, value: Value) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    whole = isinstance(value, int) or name == "max_seconds"
    return whole and 0 < value < math.inf


def _wrong(field: str, why: str) -> Finding:
    return Finding(
        code="run_limits", message=f"the bound {field!r}: {why}", field=f"features.{field}"
    )
