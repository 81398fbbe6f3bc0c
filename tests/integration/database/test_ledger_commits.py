"""The Postgres ledger under load and under death: shared commits, leases by the server's clock."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Effect
from libs.common.database.asyncpg_pool import Pool
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.ledger import HeldBy, TakenOver
from libs.common.keyed_calls.postgres_ledger import PostgresLedger

_CALLERS = 64
_ROUNDS = 10


def _effect(key: str, run_id: UUID) -> Effect:
    return Effect(run_id=run_id, epoch=1, key=key, request_hash="h", effect_class="model")


class MakeLedger(Protocol):
    def __call__(self, lease: float = 10.0) -> PostgresLedger: ...


@pytest.fixture
async def make_ledger(pool: Pool, sweeper_pool: Pool) -> AsyncIterator[MakeLedger]:
    """Ledgers of several processes over one database."""
    made: list[PostgresLedger] = []

    def make(lease: float = 10.0) -> PostgresLedger:
        ledger = PostgresLedger(
            pool,
            schema="inference",
            holder=uuid7(),
            clock=SystemClock(),
            sweeper_pool=sweeper_pool,
            lease=timedelta(seconds=lease),
        )
        made.append(ledger)
        return ledger

    yield make
    for ledger in made:
        await ledger.step_down()


async def test_callers_at_once_share_commits(make_ledger: MakeLedger) -> None:
    ledger, run_id, tenant_id = make_ledger(), uuid7(), uuid7()

    async def call(key: str) -> None:
        await ledger.claim(tenant_id, _effect(key, run_id), repeatable=True)
        assert await ledger.record(tenant_id, key, 1, "done", b"x" * 500)

    async def caller(number: int) -> None:
        for turn in range(_ROUNDS):
            await call(f"{number}/{turn}")

    singles: list[float] = []
    for turn in range(50):
        started = time.perf_counter()
        await ledger.claim(tenant_id, _effect(f"single/{turn}", run_id), repeatable=True)
        singles.append(time.perf_counter() - started)
    before = ledger.commits
    started = time.perf_counter()
    await asyncio.gather(*(caller(number) for number in range(_CALLERS)))
    taken = time.perf_counter() - started
    commits = ledger.commits - before
    calls = _CALLERS * _ROUNDS
    print(  # noqa: T201 - the measurement is this test's product
        f"\n{calls} calls in {taken * 1000:.0f} ms, {commits / calls:.3f} commits a call; "
        f"a claim alone: p50 {statistics.median(singles) * 1000:.2f} ms"
    )
    assert commits / calls < 0.2


async def test_a_holder_that_stops_beating_is_taken_over_after_its_lease(
    pool: Pool, make_ledger: MakeLedger
) -> None:
    stopped = make_ledger(lease=0.5)
    heir = make_ledger()
    run_id, tenant_id = uuid7(), uuid7()
    await stopped.claim(tenant_id, _effect("a", run_id), repeatable=True)
    held = await heir.claim(tenant_id, _effect("a", run_id), repeatable=True)
    assert held == HeldBy(holder=stopped.holder, claim_number=1)
    async with asyncio.timeout(5):
        while isinstance(held, HeldBy):
            # The server's clock cannot be moved: this asks until its half second is over.
            await pool.execute("select pg_sleep(0.05)")
            held = await heir.claim(tenant_id, _effect("a", run_id), repeatable=True)
    assert held == TakenOver(claim_number=2, previous_holder=stopped.holder)
    assert not await stopped.record(tenant_id, "a", 1, "done", b"late")
    assert await heir.record(tenant_id, "a", 2, "done", b"right")


async def test_one_bad_item_does_not_harm_its_neighbours(make_ledger: MakeLedger) -> None:
    ledger, run_id, tenant_id = make_ledger(), uuid7(), uuid7()
    keys = ["a", "nul\x00", "b", "c"]
    outcomes = await asyncio.gather(
        *(ledger.claim(tenant_id, _effect(key, run_id), repeatable=True) for key in keys),
        return_exceptions=True,
    )
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False, False]


@pytest.mark.slow
async def test_plans_made_on_empty_tables_stay_right_on_full_ones(
    make_ledger: MakeLedger,
) -> None:
    ledger, tenant_id = make_ledger(), uuid7()

    async def typical(tag: str) -> float:
        run_id = uuid7()
        taken: list[float] = []
        for turn in range(40):
            started = time.perf_counter()
            await ledger.claim(tenant_id, _effect(f"{tag}/{turn}", run_id), repeatable=True)
            await ledger.record(tenant_id, f"{tag}/{turn}", 1, "done", b"x")
            taken.append(time.perf_counter() - started)
        return statistics.median(taken)

    empty = await typical("empty")
    for part in range(6):
        run_id = uuid7()
        effects = [_effect(f"{part}/{turn}", run_id) for turn in range(5000)]
        await asyncio.gather(*(ledger.claim(tenant_id, e, repeatable=True) for e in effects))
    # The wrong index made this thirty times as slow; the bound leaves room for a busy machine.
    assert await typical("full") < 6 * empty
