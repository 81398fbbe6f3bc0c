"""The ledger of keyed calls: who makes a call, and what came of it.

A key is claimed before its upstream is called, by a holder (a process) whose lease is judged by
the ledger's own clock. What is recorded is never done again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol
from uuid import UUID

from libs.common.contracts.envelope import Effect
from libs.common.errors import Conflict, UpstreamError, WireError

LEASE = timedelta(seconds=10)
BEAT = timedelta(seconds=3)
KEEP_ENDED = timedelta(hours=24)

RunPlace = tuple[UUID, UUID]
"""A tenant and a run of it."""
EndStatus = Literal["done", "failed", "cancelled"]


class StaleEpoch(Conflict):
    """A newer owner of the run has been seen."""

    code = "stale_epoch"
    title = "The caller no longer owns the run"


class RequestMismatch(Conflict):
    """The key was used before for another request."""

    code = "effect_key_reused"
    title = "The same key with another request"


class RunAlreadyEnded(Conflict):
    """The run has ended; it makes no more calls."""

    code = "run_ended"
    title = "The run has ended"


class CallStopped(Conflict):
    """The call was cancelled by its owner, or with its run."""

    code = "call_cancelled"
    title = "The call was cancelled"


class OutcomeUnknown(UpstreamError):
    """The call may or may not have taken effect, and must not be repeated. A definite failure."""

    code = "outcome_unknown"
    title = "Nobody knows whether the call took effect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The key is ours: make the call."""

    claim_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """The key is ours after `previous_holder` died over it: make the call again."""

    claim_number: int
    previous_holder: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBy:
    """A live holder (perhaps ourselves) is making the call: attach to it."""

    holder: UUID
    claim_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The call has ended. `payload` is the reply (done) or a WireError as JSON (the others)."""

    status: EndStatus
    payload: bytes


ClaimOutcome = Claimed | TakenOver | HeldBy | Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledClaim:
    """A call that ran until now, at `holder`, who has to be told."""

    key: str
    holder: UUID
    claim_number: int


class CallLedger(Protocol):
    """Claims, results and the highest epoch seen of each run.

    Every call raises Unavailable when the ledger's store is away; then nothing may be assumed.
    """

    @property
    def holder(self) -> UUID:
        """This process' incarnation."""
        ...

    async def claim(self, tenant_id: UUID, effect: Effect, *, repeatable: bool) -> ClaimOutcome:
        """Claim `effect.key`, or learn what became of it. Committed when it returns.

        Where the holder died without a record, a `repeatable` call is taken over; any other is
        recorded as failed and raises OutcomeUnknown. Raises StaleEpoch, RunAlreadyEnded,
        RequestMismatch.
        """
        ...

    async def record(
        self, tenant_id: UUID, key: str, claim_number: int, status: EndStatus, payload: bytes
    ) -> bool:
        """Record the end of a call; False when the claim was superseded or cancelled.

        Repeating a record that was taken answers True again.
        """
        ...

    async def cancel(
        self, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> CancelledClaim | None:
        """Record `key` as cancelled if it has not ended, also ahead of its claim.

        Returns what was running. Raises StaleEpoch.
        """
        ...

    async def run_ended(self, tenant_id: UUID, run_id: UUID, epoch: int) -> list[CancelledClaim]:
        """Refuse the run's later calls and cancel its open ones, which are returned. Repeatable."""
        ...

    async def beat(self) -> None:
        """Extend this process' lease to LEASE from now."""
        ...

    async def step_down(self) -> None:
        """End this process' lease at once, so that others take its calls over."""
        ...

    async def collect(self, older_than: timedelta) -> int:
        """Forget the records of runs that ended longer ago; returns the number of runs."""
        ...

    async def kept_runs(self, runs: Collection[RunPlace]) -> set[RunPlace]:
        """Those of `runs` that have called here and are not forgotten."""
        ...


def unknown_outcome() -> OutcomeUnknown:
    """The failure of a call that must not be repeated and whose end nobody saw."""
    return OutcomeUnknown("The process that made this call ended without recording its outcome.")


def failure_payload(error: WireError) -> bytes:
    """A failure as the ledger keeps it."""
    return error.model_dump_json().encode()


STOPPED_PAYLOAD = failure_payload(WireError.of(CallStopped("The call was cancelled.")))
