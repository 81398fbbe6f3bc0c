"""Runs: the acceptance that precedes the engine, and the outcome that follows it."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from libs.common.contracts.run_commands import RunStatus
from services.backend.domain.runs.records import (
    NewRun,
    RunEnding,
    RunLine,
    RunRecord,
    WaitingRun,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunRun:
    """The run that stands under the idempotency key, and the hash of what it was asked."""

    run_id: UUID
    request_hash: str


class RunRepository(Protocol):
    async def begin(self, run: NewRun) -> BegunRun:
        """Commit the acceptance: the run, its end user, its turn of a conversation, and that the
        files it names are kept. Raises FileUnknown where one of those is gone."""
        ...

    async def add_child(self, run: NewRun) -> None:
        """Write a run down that the engine has accepted because another one called it; once."""
        ...

    async def find(self, tenant_id: UUID, run_id: UUID) -> RunRecord | None: ...

    async def lines(
        self,
        tenant_id: UUID,
        *,
        status: RunStatus | None,
        app_id: UUID | None,
        parent: UUID | None = None,
        before: UUID | None,
        limit: int,
    ) -> list[RunLine]:
        """Runs older than `before`, newest first; with a `parent` those that it called. A `status`
        is one that runs end in; None: all, those under way as `queued`."""
        ...

    async def finish(self, tenant_id: UUID, ending: RunEnding) -> bool:
        """Write the outcome and the message's answer; False when one was written before."""
        ...

    async def request_stop(self, tenant_id: UUID, run_id: UUID, reason: str) -> None:
        """Remember that the run is to stop, until the engine knows."""
        ...

    async def mark_handed_over(self, tenant_id: UUID, run_id: UUID) -> None: ...

    async def mark_stop_delivered(self, tenant_id: UUID, run_id: UUID) -> None: ...

    async def waiting(self, *, older_than_seconds: float, limit: int) -> list[WaitingRun]:
        """Runs of any tenant that the engine may not know of, or whose stop it may not know of."""
        ...
