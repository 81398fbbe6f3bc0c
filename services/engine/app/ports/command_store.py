"""Commands to runs: stored first, then told."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from libs.common.contracts.run_commands import (
    AbortRun,
    ChildFinished,
    PauseRun,
    ResumeRun,
    RunCommand,
    RunStatus,
    UpdateVariables,
)

StoredCommand = RunCommand
SentCommand = AbortRun | PauseRun | UpdateVariables | ChildFinished
"""What anybody may send at any time."""


class CommandedRun(NamedTuple):
    tenant_id: UUID
    run_id: UUID


class Told(NamedTuple):
    """`applied`: the command is stored, now or at an earlier try. `status` and `epoch` are the
    run's; a parked run was queued."""

    applied: bool
    status: RunStatus
    epoch: int


class CommandStore(Protocol):
    """Every call raises Unavailable when the store is away."""

    async def add(self, command: SentCommand) -> Told:
        """Store once by command id, and queue the run if it is parked. A run that has ended gets
        no row. Raises RunUnknown."""
        ...

    async def resume(self, command: ResumeRun) -> Told:
        """Once by command id: queue a run that was set aside, its takeovers forgotten, or send the
        command to one whose last such command was a pause. Raises RunUnknown."""
        ...

    async def undrained(self, tenant_id: UUID, run_id: UUID) -> list[StoredCommand]:
        """What waits for the owner, oldest first."""
        ...

    async def drained(self, tenant_id: UUID, run_id: UUID, commands: Sequence[UUID]) -> None:
        """Their events are in the journal."""
        ...

    async def commanded_runs(self, worker: UUID) -> list[CommandedRun]:
        """Runs of `worker` with commands waiting: what a lost wake-up would have said."""
        ...
