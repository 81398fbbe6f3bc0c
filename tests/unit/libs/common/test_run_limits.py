"""A run may use the least of what its deployment, its workflow and its caller allow."""

from typing import Any

import pytest

from libs.common.contracts.run_limits import RunBounds, RunLimits, declared_bounds, narrowed

DEPLOYED = RunLimits(max_steps=500, max_seconds=1200.0)


def _limits(asked: dict[str, Any], *, depth: int = 0, **declared: Any) -> RunLimits:
    bounds = declared_bounds({"run_limits": declared} if declared else {})
    return narrowed(DEPLOYED, bounds, RunBounds(**asked), depth=depth)


def test_what_nobody_narrows_is_the_deployments() -> None:
    assert _limits({}) == DEPLOYED


def test_a_workflow_narrows_the_deployments() -> None:
    assert _limits({}, max_steps=7, max_seconds=1.5, max_tokens=90, max_depth=2) == RunLimits(
        max_steps=7, max_seconds=1.5, max_tokens=90, max_depth=2
    )


def test_a_caller_narrows_the_workflows() -> None:
    limits = _limits({"max_steps": 5, "max_tokens": 80, "max_depth": 1}, max_steps=7, max_depth=3)
    assert (limits.max_steps, limits.max_tokens, limits.max_depth) == (5, 80, 1)


def test_nobody_widens_anything() -> None:
    asked = {"max_steps": 900, "max_tokens": 95, "max_depth": 9}
    limits = _limits(asked, max_steps=800, max_tokens=90)
    assert (limits.max_steps, limits.max_tokens, limits.max_depth) == (500, 90, 5)


def test_a_depth_is_counted_from_the_run_that_bounds_it() -> None:
    assert _limits({}, depth=2, max_depth=1).max_depth == 3
    assert _limits({}, depth=4, max_depth=3).max_depth == 5


@pytest.mark.parametrize("nonsense", [-1, 0, 0.5, "7", True, None, [7], float("inf"), 10**400])
def test_a_bound_that_is_none_bounds_nothing(nonsense: Any) -> None:
    assert _limits({}, max_steps=nonsense, max_tokens=nonsense, max_depth=nonsense) == DEPLOYED
