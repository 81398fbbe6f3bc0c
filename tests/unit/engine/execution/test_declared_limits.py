"""A workflow's own bounds are checked before it runs."""

from typing import Any

import pytest

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.domain.execution.compile_workflow import compile_workflow
from tests.unit.engine.execution.machine_nodes import CATALOGUE


def _wrong(declared: Any) -> list[tuple[str, str | None]]:
    definition = WorkflowDefinition(
        mode="workflow",
        graph={"nodes": [{"id": "begin", "data": {"type": "begin"}}]},
        features={"run_limits": declared},
    )
    report = compile_workflow(definition, CATALOGUE).report
    return [(each.code, each.field) for each in report.errors]


@pytest.mark.parametrize(
    "declared",
    [
        None,
        {},
        {"max_steps": 3, "max_seconds": 0.5, "max_tokens": None, "max_depth": 1},
        {"max_steps": 10**400, "max_seconds": 10**400},
    ],
)
def test_bounds_that_can_be_kept_are_no_error(declared: Any) -> None:
    assert _wrong(declared) == []


@pytest.mark.parametrize(
    ("declared", "field"),
    [
        ([3], "features.run_limits"),
        ({"max_steps": 0}, "features.run_limits.max_steps"),
        ({"max_steps": -(10**400)}, "features.run_limits.max_steps"),
        ({"max_steps": 2.5}, "features.run_limits.max_steps"),
        ({"max_steps": True}, "features.run_limits.max_steps"),
        ({"max_seconds": "9"}, "features.run_limits.max_seconds"),
        ({"max_seconds": float("inf")}, "features.run_limits.max_seconds"),
        ({"max_tokens": -1}, "features.run_limits.max_tokens"),
        ({"max_depth": 1.5}, "features.run_limits.max_depth"),
        ({"max_cost": 1}, "features.run_limits.max_cost"),
    ],
)
def test_a_bound_that_cannot_be_kept_is_named(declared: Any, field: str) -> None:
    assert _wrong(declared) == [("run_limits", field)]
