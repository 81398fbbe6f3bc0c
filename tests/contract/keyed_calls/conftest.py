"""The same suite over the ledger in memory and the one in Postgres."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Effect, EffectClass
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.in_memory_ledger import InMemoryLedger, SharedRecords
from libs.common.keyed_calls.ledger import CallLedger
from libs.common.keyed_calls.postgres_ledger import PostgresLedger
from tests.support.databases import FreshDatabase
from tests.support.manual_clock import ManualClock


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerWorld:
    """Ledgers of several processes over the same records.

    `new_process` makes one more; `lapse` ends a process' lease as if it had stopped beating;
    `age` is an age that a run that ended just now has reached; `turn_back` makes every end of a
    run that much older.
    """

    new_process: Callable[[], CallLedger]
    lapse: Callable[[CallLedger], Awaitable[None]]
    age: timedelta
    turn_back: Callable[[timedelta], Awaitable[None]]


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[LedgerWorld]:
    if request.param == "memory":
        yield _in_memory()
        return
    database: FreshDatabase = request.getfixturevalue("migrated_database")
    pool = await create_pool(database.url)
    sweeper_pool = await create_pool(database.sweeper_url)

    processes: list[PostgresLedger] = []

    def new_process() -> PostgresLedger:
        ledger = PostgresLedger(
            pool,
            schema="plugin",
            holder=uuid7(),
            clock=SystemClock(),
            sweeper_pool=sweeper_pool,
        )
        processes.append(ledger)
        return ledger

    async def lapse(ledger: CallLedger) -> None:
        await pool.execute(
            "update plugin.holders set lease_until = clock_timestamp() - interval '1 s' "
            "where holder = $1",
            ledger.holder,
        )

    async def turn_back(by: timedelta) -> None:
        admin = await asyncpg.connect(database.admin_url)
        await admin.execute("update plugin.run_epochs set ended_at = ended_at - $1::interval", by)
        await admin.close()

    yield LedgerWorld(new_process=new_process, lapse=lapse, age=timedelta(0), turn_back=turn_back)
    for ledger in processes:
        await ledger.step_down()
    await pool.close()
    await sweeper_pool.close()


def _in_memory() -> LedgerWorld:
    records, clock = SharedRecords(), ManualClock()

    def new_process() -> InMemoryLedger:
        return InMemoryLedger(records, holder=uuid7(), clock=clock)

    async def lapse(ledger: CallLedger) -> None:
        records.leases[ledger.holder] = clock.monotonic() - 1

    async def turn_back(by: timedelta) -> None:
        for run in records.runs.values():
            if run.ended_at is not None:
                run.ended_at -= by.total_seconds()

    return LedgerWorld(
        new_process=new_process, lapse=lapse, age=timedelta(seconds=-1), turn_back=turn_back
    )


@pytest.fixture
def tenant_id() -> UUID:
    return uuid7()


@pytest.fixture
def run_id() -> UUID:
    return uuid7()


@pytest.fixture
def effect(run_id: UUID) -> Callable[..., Effect]:
    """Makes effects of one run."""

    def make(
        key: str = "a",
        *,
        epoch: int = 1,
        request_hash: str = "h",
        effect_class: EffectClass = "idempotent",
    ) -> Effect:
        return Effect(
            run_id=run_id,
            epoch=epoch,
            key=key,
            request_hash=request_hash,
            effect_class=effect_class,
        )

    return make
