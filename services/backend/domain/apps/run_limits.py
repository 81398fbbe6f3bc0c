"""What a run may use: the narrowest of what the deployment, its workflow and its caller allow."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from libs.common.contracts.run_commands import RunLimits
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.json_reading import as_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLimits:
    """Steps, seconds and tokens of one run; None: no bound of one's own."""

    max_steps: int | None = None
    max_seconds: float | None = None
    max_tokens: int | None = None


NO_LIMITS = AskedLimits()


def run_limits(
    deployment: RunLimits, definition: WorkflowDefinition, asked: AskedLimits = NO_LIMITS
) -> RunLimits:
    """A bound of the workflow (`features.run_limits`) that is none is passed over: it was told of
    when the workflow was validated."""
    declared = as_mapping(definition.features.get("run_limits"))
    tokens = [*_numbers(deployment.max_tokens, declared.get("max_tokens"), asked.max_tokens)]
    return RunLimits(
        max_steps=int(
            min(_numbers(deployment.max_steps, declared.get("max_steps"), asked.max_steps))
        ),
        max_seconds=min(
            _numbers(deployment.max_seconds, declared.get("max_seconds"), asked.max_seconds)
        ),
        max_tokens=int(min(tokens)) if tokens else None,
    )


def _numbers(*bounds: JsonValue) -> Iterator[float]:
    for bound in bounds:
        if isinstance(bound, int | float) and not isinstance(bound, bool) and bound > 0:
            yield bound
