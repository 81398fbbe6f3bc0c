"""What an attack is, and how its containment is recognised."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from services.plugin.domain.sandbox.execution import (
    MEBIBYTE,
    ExecutionLimits,
    ExecutionOutcome,
    Language,
    LimitName,
)

Check: TypeAlias = Callable[[ExecutionOutcome], bool]

CANARY = "canary-7f3a"
QUICK = ExecutionLimits(cpu_seconds=1, wall_seconds=6.0)
IMPATIENT = ExecutionLimits(wall_seconds=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """Code that tries to harm, and the check that it did not."""

    name: str
    language: Language
    code: str
    contained: Check
    limits: ExecutionLimits = field(default_factory=ExecutionLimits)


def denied(outcome: ExecutionOutcome) -> bool:
    """The operating system said no, and the code was told."""
    refusals = ("PermissionError", "FileNotFoundError", "OSError", "Error")
    return (
        outcome.status == "error" and outcome.error is not None and outcome.error.type in refusals
    )


def stopped(*names: LimitName) -> Check:
    """Stopped by one of these limits."""
    return lambda outcome: outcome.status == "limit" and outcome.limit in names


def failed(*types: str) -> Check:
    """Ended with one of these errors."""
    return lambda outcome: outcome.error is not None and outcome.error.type in types


def returned(expected: object) -> Check:
    """Ran to its end and saw only `expected`."""
    return lambda outcome: outcome.status == "ok" and outcome.result == expected


def either(*checks: Check) -> Check:
    """One of these, as the isolation differs."""
    return lambda outcome: any(check(outcome) for check in checks)


def bounded_memory(outcome: ExecutionOutcome) -> bool:
    """Never far above its memory limit."""
    return outcome.usage.peak_memory_bytes < 420 * MEBIBYTE


def stopped_in_memory(outcome: ExecutionOutcome) -> bool:
    """Stopped by the memory limit, and measurably so."""
    return stopped("memory")(outcome) and bounded_memory(outcome)
