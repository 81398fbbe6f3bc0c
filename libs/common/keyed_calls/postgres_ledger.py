"""The ledger in Postgres; tables and functions are in `ledger_tables`."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from libs.common.clock import Clock
from libs.common.contracts.envelope import Effect
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.held_connection import HeldConnection
from libs.common.database.row_security import tenants_setting
from libs.common.database.store_errors import is_transient, translated
from libs.common.database.tenant_transaction import tenant_transaction
from libs.common.errors import HeddleError, WireError
from libs.common.keyed_calls.group_writer import GroupWriter
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
from libs.common.keyed_calls.settle_statement import NewClaim, NewEnd, settling
from libs.common.retry_policy import STORE

_COLLECT_AT_ONCE = 1000


_Answer = ClaimOutcome | HeddleError | bool


class PostgresLedger:
    """Claims and results of a process share commits: one call of one function per batch.

    `pool` signs in as heddle_app. `sweeper_pool`, as heddle_sweeper, is for `collect` alone; None
    leaves collecting to other processes.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        schema: str,
        holder: UUID,
        clock: Clock,
        sweeper_pool: Pool | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._pool = pool
        self._held = HeldConnection(pool)
        self._schema = schema
        self._holder = holder
        self._commits = 0
        self._sweeper_pool = sweeper_pool
        self._lease = lease
        self._unknown = failure_payload(WireError.of(unknown_outcome()))
        self._writer = GroupWriter[NewClaim | NewEnd, _Answer](
            self._write, is_transient=is_transient, clock=clock, retry=STORE
        )

    @property
    def commits(self) -> int:
        """Batches written so far, for metrics."""
        return self._commits

    @property
    def holder(self) -> UUID:
        return self._holder

    async def claim(self, tenant_id: UUID, effect: Effect, *, repeatable: bool) -> ClaimOutcome:
        item = NewClaim(tenant_id=tenant_id, effect=effect, repeatable=repeatable)
        answer = await self._writer.submit(item)
        if isinstance(answer, HeddleError):
            raise answer
        assert not isinstance(answer, bool)
        return answer

    async def record(
        self, tenant_id: UUID, key: str, claim_number: int, status: EndStatus, payload: bytes
    ) -> bool:
        item = NewEnd(
            tenant_id=tenant_id,
            key=key,
            claim_number=claim_number,
            status=status,
            payload=payload,
        )
        return (await self._writer.submit(item)) is True

    async def cancel(
        self, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> CancelledClaim | None:
        with translated():
            row = await self._pool.fetchrow(
                f"select * from {self._schema}.cancel_call({_places(6)})",  # noqa: S608
                *(tenant_id, run_id, key, epoch, self._holder, STOPPED_PAYLOAD),
            )
        if row is None:
            return None
        if row["outcome"] == "stale":
            raise _stale()
        return CancelledClaim(key=key, holder=row["holder"], claim_number=row["number"])

    async def run_ended(self, tenant_id: UUID, run_id: UUID, epoch: int) -> list[CancelledClaim]:
        with translated():
            rows = await self._pool.fetch(
                f"select * from {self._schema}.calls_run_ended({_places(4)})",  # noqa: S608
                *(tenant_id, run_id, epoch, STOPPED_PAYLOAD),
            )
        return [
            CancelledClaim(key=row["key"], holder=row["holder"], claim_number=row["number"])
            for row in rows
        ]

    async def beat(self) -> None:
        with translated():
            await self._pool.execute(
                f"insert into {self._schema}.holders (holder, lease_until) "  # noqa: S608
                "values ($1, clock_timestamp() + $2::interval) on conflict (holder) do update "
                "set lease_until = excluded.lease_until",
                *(self._holder, self._lease),
            )

    async def step_down(self) -> None:
        # First: the pool may have no other one.
        await self._held.give_back()
        with translated():
            await self._pool.execute(
                f"delete from {self._schema}.holders where holder = $1",  # noqa: S608
                self._holder,
            )

    async def collect(self, older_than: timedelta) -> int:
        if self._sweeper_pool is None:
            return 0
        total = 0
        with translated():
            while True:
                found = await self._sweeper_pool.fetch(
                    f"select tenant_id, run_id from {self._schema}.run_epochs "  # noqa: S608
                    "where ended_at < now() - $1::interval "
                    f"order by ended_at limit {_COLLECT_AT_ONCE}",
                    older_than,
                )
                if found:
                    total += await self._pool.fetchval(
                        f"select {self._schema}.collect_calls($1, $2, $3)",
                        *(tenants_setting(row["tenant_id"] for row in found),),
                        *([row["run_id"] for row in found], older_than),
                    )
                if len(found) < _COLLECT_AT_ONCE:
                    break
            # A claim whose holder has no row counts as one whose lease ran out.
            await self._pool.execute(
                f"delete from {self._schema}.holders "  # noqa: S608
                "where lease_until < clock_timestamp() - $1::interval",
                older_than,
            )
        return total

    async def kept_runs(self, runs: Collection[RunPlace]) -> set[RunPlace]:
        if not runs:
            return set()
        async with tenant_transaction(self._pool, *(tenant for tenant, _ in runs)) as connection:
            rows = await connection.fetch(
                f"select tenant_id, run_id from {self._schema}.run_epochs "  # noqa: S608
                "where run_id = any ($1)",
                [run for _, run in runs],
            )
        return {(row["tenant_id"], row["run_id"]) for row in rows} & set(runs)

    async def _write(self, items: Sequence[NewClaim | NewEnd]) -> list[_Answer]:
        ordered = sorted(enumerate(items), key=_lock_order)
        claims = [(place, item) for place, item in ordered if isinstance(item, NewClaim)]
        ends = [(place, item) for place, item in ordered if isinstance(item, NewEnd)]
        statement, columns = settling(
            self._schema, [item for _, item in claims], [item for _, item in ends]
        )
        async with self._held.using() as connection:
            rows = await connection.fetch(
                statement,
                tenants_setting(item.tenant_id for item in items),
                *(self._holder, self._lease, self._unknown, *columns),
            )
        self._commits += 1
        answers: dict[int, _Answer] = {}
        for row in rows:
            at: int = row["place"] - 1
            if row["is_claim"]:
                place, claim = claims[at]
                answers[place] = _claim_answer(row, claim)
            else:
                place, _ = ends[at]
                answers[place] = row["outcome"] == "taken"
        return [answers[place] for place in range(len(items))]


def _lock_order(item: tuple[int, NewClaim | NewEnd]) -> tuple[int, str]:
    # A key begins with its run: so runs are in one order too, whoever writes.
    wanted = item[1]
    key = wanted.effect.key if isinstance(wanted, NewClaim) else wanted.key
    return wanted.tenant_id.int, key


def _claim_answer(row: asyncpg.Record, item: NewClaim) -> ClaimOutcome | HeddleError:
    outcome: str = row["outcome"]
    match outcome:
        case "claimed":
            return Claimed(claim_number=row["number"])
        case "taken_over":
            return TakenOver(claim_number=row["number"], previous_holder=row["other"])
        case "held":
            return HeldBy(holder=row["other"], claim_number=row["number"])
        case "done" | "failed" | "cancelled":
            return Recorded(status=outcome, payload=row["answer"])
        case _:
            return _refusal(outcome, item.effect.key)


def _refusal(outcome: str, key: str) -> HeddleError:
    match outcome:
        case "unknown":
            return unknown_outcome()
        case "stale":
            return _stale()
        case "ended":
            return RunAlreadyEnded("The run has ended; it makes no more calls.")
        case "mismatch":
            return RequestMismatch(f"The key {key} was used for another request.")
        case _:
            raise AssertionError(outcome)


def _stale() -> StaleEpoch:
    return StaleEpoch("A newer owner of the run has been seen.")


def _places(count: int) -> str:
    return ", ".join(f"${number}" for number in range(1, count + 1))
