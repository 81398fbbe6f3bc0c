"""What a node's author wants done when it fails."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.engine.domain.node_parts.default_values import (
    DefaultValueInvalid,
    parse_default_value,
)
from services.engine.domain.node_parts.node_contract import Problem
from services.engine.domain.variables.values import Value

FAIL_BRANCH = "fail-branch"
DEFAULT_VALUE = "default-value"
_MOST_RETRIES = 100
_LONGEST_INTERVAL_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePolicy:
    """`retries` more attempts (at most 100), `interval` seconds apart (at most a day), then
    `strategy`."""

    strategy: Literal["none", "fail-branch", "default-value"] = "none"
    defaults: Mapping[str, Value] = field(default_factory=dict[str, Value])
    retries: int = 0
    interval: float = 0.0
    problems: tuple[Problem, ...] = ()


def parse_failure_policy(data: Mapping[str, Value], *, retryable: bool) -> FailurePolicy:
    """Never raises. `retry_config` counts only where the node type is `retryable`."""
    retries, interval = _retry(data.get("retry_config")) if retryable else (0, 0.0)
    strategy = data.get("error_strategy")
    if strategy == DEFAULT_VALUE:
        defaults, problems = _defaults(data.get("default_value"))
        return FailurePolicy(
            strategy="default-value",
            defaults=defaults,
            retries=retries,
            interval=interval,
            problems=tuple(problems),
        )
    return FailurePolicy(
        strategy="fail-branch" if strategy == FAIL_BRANCH else "none",
        retries=retries,
        interval=interval,
    )


def _retry(raw: Value) -> tuple[int, float]:
    if not isinstance(raw, dict) or raw.get("retry_enabled") is not True:
        return 0, 0.0
    retries = int(_number(raw.get("max_retries"), _MOST_RETRIES))
    return retries, _number(raw.get("retry_interval"), _LONGEST_INTERVAL_MS) / 1000


def _number(raw: Value, most: int) -> float:
    """`raw` held between 0 and `most`; 0 for what is no number."""
    if (
        isinstance(raw, bool)
        or not isinstance(raw, int | float)
        or (isinstance(raw, float) and math.isnan(raw))
    ):
        return 0.0
    return float(min(max(raw, 0), most))


def _defaults(raw: Value) -> tuple[dict[str, Value], list[Problem]]:
    found: dict[str, Value] = {}
    problems: list[Problem] = []
    for entry in raw if isinstance(raw, list) else []:
        if not isinstance(entry, dict):
            continue
        key = str(entry.get("key"))
        try:
            found[key] = parse_default_value(str(entry.get("type")), entry.get("value"))
        except DefaultValueInvalid as invalid:
            problems.append(
                Problem(code="default_value", message=str(invalid), field=f"default_value.{key}")
            )
    return found, problems
