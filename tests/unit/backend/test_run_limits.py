"""A run may use the least of what its deployment, its workflow and its caller allow."""

from typing import Any

import pytest

from libs.common.contracts.run_commands import RunLimits
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.run_limits import AskedLimits, run_limits

DEPLOYED = RunLimits(max_steps=500, max_seconds=1200.0)


def _limits(asked: dict[str, Any], **declared: Any) -> RunLimits:
    definition = WorkflowDefinition(
        mode="workflow", graph={}, features={"run_limits": declared} if declared else {}
    )
    return run_limits(DEPLOYED, definition, AskedLimits(**asked))


def test_what_nobody_narrows_is_the_deployments() -> None:
    assert _limits({}) == DEPLOYED


def test_a_workflow_narrows_the_deployments() -> None:
    narrowed = _limits({}, max_steps=7, max_seconds=1.5, max_tokens=90)
    assert narrowed == RunLimits(max_steps=7, max_seconds=1.5, max_tokens=90)


def test_a_caller_narrows_the_workflows() -> None:
    limits = _limits({"max_steps": 5, "max_tokens": 80}, max_steps=7, max_tokens=90)
    assert (limits.max_steps, limits.max_tokens) == (5, 80)


def test_nobody_widens_anything() -> None:
    limits = _limits({"max_steps": 900, "max_tokens": 95}, max_steps=800, max_tokens=90)
    assert (limits.max_steps, limits.max_tokens) == (500, 90)


@pytest.mark.parametrize("nonsense", [-1, 0, "7", True, None, [7]])
def test_a_bound_that_is_none_bounds_nothing(nonsense: Any) -> None:
    assert _limits({}, max_steps=nonsense, max_tokens=nonsense) == DEPLOYED
