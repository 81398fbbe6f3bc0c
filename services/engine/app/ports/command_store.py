"""Commands to runs: stored first, then told."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from libs.common.contracts.run_commands import AbortRun, ResumeRun, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCommand:
    """`reason` is what callers of the run are shown."""

    command_id: UUID
    kind: Literal["abort"]
    reason: str


class CommandedRun(NamedTuple):
    tenant_id: UUID
    run_id: UUID


class Resumption(NamedTuple):
    """`applied`: this command, now or at an earlier try, put the run back into the queue. `status`
    and `epoch` are the run's."""

    applied: bool
    status: RunStatus
    epoch: int


class CommandStore(Protocol):
    async def add_abort(self, command: AbortRun) -> RunStatus:
        """Store once by command id. Returns the run's status then. Raises RunUnknown.

        A run that has ended gets no row.
        """
        ...

    async def resume(self, command: ResumeRun) -> Resumption:
        """Queue a run that was set aside, its takeovers forgotten, once by command id.

        Raises RunUnknown.
        """
        ...

    async def undrained(self, tenant_id: UUID, run_id: UUID) -> list[StoredCommand]:
        """What waits for the owner, oldest first."""
        ...

    async def commanded_runs(self, worker: UUID) -> list[CommandedRun]:
        """Runs of `worker` with commands waiting: what a lost wake-up would have said."""
        ...
