"""The ledger in one process' memory: for tests, and for the property tests of its users."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.envelope import Effect
from libs.common.errors import WireError
from libs.common.keyed_calls.ledger import (
    LEASE,
    STOPPED_PAYLOAD,
    CancelledClaim,
    Claimed,
    ClaimOutcome,
    EndStatus,
    HeldBy,
    Recorded,
    RequestMismatch,
    RunAlreadyEnded,
    RunPlace,
    StaleEpoch,
    TakenOver,
    failure_payload,
    unknown_outcome,
)


@dataclass(slots=True, kw_only=True)
class _Row:
    run_id: UUID
    request_hash: str
    claim_number: int
    holder: UUID
    end: Recorded | None = None


@dataclass(slots=True, kw_only=True)
class _Run:
    epoch: int
    ended_at: float | None = None


@dataclass(slots=True, kw_only=True)
class SharedRecords:
    """What several ledgers have in common, as processes share a database."""

    claims: dict[tuple[UUID, str], _Row] = field(default_factory=dict[tuple[UUID, str], _Row])
    runs: dict[tuple[UUID, UUID], _Run] = field(default_factory=dict[tuple[UUID, UUID], _Run])
    leases: dict[UUID, float] = field(default_factory=dict[UUID, float])


class InMemoryLedger:
    """One holder's view of `records`; `clock.monotonic` plays the database's clock."""

    def __init__(
        self,
        records: SharedRecords,
        *,
        holder: UUID,
        clock: Clock,
        lease: timedelta = LEASE,
    ) -> None:
        self._records = records
        self._holder = holder
        self._clock = clock
        self._lease = lease.total_seconds()

    @property
    def holder(self) -> UUID:
        return self._holder

    async def claim(self, tenant_id: UUID, effect: Effect, *, repeatable: bool) -> ClaimOutcome:
        run = self._run(tenant_id, effect.run_id, effect.epoch)
        if run.ended_at is not None:
            raise RunAlreadyEnded("The run has ended; it makes no more calls.")
        self._refuse_stale(run, effect.epoch)
        await self.beat()
        row = self._records.claims.get((tenant_id, effect.key))
        if row is None:
            self._records.claims[tenant_id, effect.key] = _Row(
                run_id=effect.run_id,
                request_hash=effect.request_hash,
                claim_number=1,
                holder=self._holder,
            )
            return Claimed(claim_number=1)
        if row.end is not None and row.end.status == "cancelled":
            return row.end
        if (row.request_hash, row.run_id) != (effect.request_hash, effect.run_id):
            raise RequestMismatch(f"The key {effect.key} was used for another request.")
        return row.end or self._held(row, repeatable=repeatable)

    async def record(
        self, tenant_id: UUID, key: str, claim_number: int, status: EndStatus, payload: bytes
    ) -> bool:
        row = self._records.claims.get((tenant_id, key))
        if row is None or row.claim_number != claim_number:
            return False
        end = Recorded(status=status, payload=payload)
        row.end = row.end or end
        return row.end == end

    async def cancel(
        self, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> CancelledClaim | None:
        self._refuse_stale(self._run(tenant_id, run_id, epoch), epoch)
        row = self._records.claims.get((tenant_id, key))
        if row is None:
            self._records.claims[tenant_id, key] = _Row(
                run_id=run_id, request_hash="", claim_number=0, holder=self._holder, end=_STOPPED
            )
            return None
        return self._stop(key, row) if row.run_id == run_id else None

    async def run_ended(self, tenant_id: UUID, run_id: UUID, epoch: int) -> list[CancelledClaim]:
        run = self._run(tenant_id, run_id, epoch)
        run.ended_at = self._clock.monotonic() if run.ended_at is None else run.ended_at
        stopped = [
            self._stop(key, row)
            for (tenant, key), row in self._records.claims.items()
            if tenant == tenant_id and row.run_id == run_id
        ]
        return [claim for claim in stopped if claim is not None]

    async def beat(self) -> None:
        self._records.leases[self._holder] = self._clock.monotonic() + self._lease

    async def step_down(self) -> None:
        self._records.leases.pop(self._holder, None)

    async def collect(self, older_than: timedelta) -> int:
        latest = self._clock.monotonic() - older_than.total_seconds()
        gone = {
            (tenant_id, run_id)
            for (tenant_id, run_id), run in self._records.runs.items()
            if run.ended_at is not None and run.ended_at < latest
        }
        for place, row in list(self._records.claims.items()):
            if (place[0], row.run_id) in gone:
                del self._records.claims[place]
        for run in gone:
            del self._records.runs[run]
        return len(gone)

    async def kept_runs(self, runs: Collection[RunPlace]) -> set[RunPlace]:
        return {run for run in runs if run in self._records.runs}

    def _run(self, tenant_id: UUID, run_id: UUID, epoch: int) -> _Run:
        run = self._records.runs.setdefault((tenant_id, run_id), _Run(epoch=epoch))
        run.epoch = max(run.epoch, epoch)
        return run

    def _refuse_stale(self, run: _Run, epoch: int) -> None:
        if epoch < run.epoch:
            raise StaleEpoch("A newer owner of the run has been seen.")

    def _held(self, row: _Row, *, repeatable: bool) -> ClaimOutcome:
        if self._records.leases.get(row.holder, 0.0) > self._clock.monotonic():
            return HeldBy(holder=row.holder, claim_number=row.claim_number)
        if not repeatable:
            row.end = Recorded(
                status="failed", payload=failure_payload(WireError.of(unknown_outcome()))
            )
            raise unknown_outcome()
        previous, row.holder = row.holder, self._holder
        row.claim_number += 1
        return TakenOver(claim_number=row.claim_number, previous_holder=previous)

    def _stop(self, key: str, row: _Row) -> CancelledClaim | None:
        if row.end is not None:
            return None
        row.end = _STOPPED
        return CancelledClaim(key=key, holder=row.holder, claim_number=row.claim_number)


_STOPPED = Recorded(status="cancelled", payload=STOPPED_PAYLOAD)
