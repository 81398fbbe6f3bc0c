"""What the callees ask of their records reads those of one run, however many others there are."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.clock import SystemClock
from libs.common.keyed_calls.postgres_ledger import PostgresLedger
from tests.support.databases import FreshDatabase
from tests.support.rows_read import RowsRead, rows_read

_TENANT = UUID(int=10)
_FILL = """
CREATE TEMP TABLE made AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, 10000) n;
INSERT INTO inference.run_epochs
SELECT '{tenant}', id, 1, CASE WHEN n <= 100 THEN now() - interval '2 days'
                               WHEN n % 2 = 0 THEN now() END FROM made;
INSERT INTO inference.call_claims
SELECT '{tenant}', id || '/x', id, 'h', 'keyed', 1, gen_random_uuid(), 'done', 'x' FROM made;
"""


@pytest.fixture
async def reads(migrated_database: FreshDatabase) -> AsyncIterator[RowsRead]:
    async with rows_read(migrated_database) as found:
        await found.without_statistics("inference")
        await found.admin.execute(_FILL.format(tenant=_TENANT))
        yield found


@pytest.fixture
async def ledger(reads: RowsRead) -> AsyncIterator[PostgresLedger]:
    made = PostgresLedger(
        reads.pool,
        schema="inference",
        holder=uuid4(),
        clock=SystemClock(),
        sweeper_pool=reads.sweeper,
    )
    yield made
    await made.step_down()


async def test_the_end_of_a_run_reads_its_calls(reads: RowsRead, ledger: PostgresLedger) -> None:
    runs = iter(await reads.admin.fetch("SELECT id FROM made WHERE n > 200"))

    async def ended() -> None:
        await ledger.run_ended(_TENANT, next(runs)["id"], 1)

    assert await reads.most(ended) < 20


async def test_collecting_reads_what_is_old(reads: RowsRead, ledger: PostgresLedger) -> None:
    gone: list[int] = []

    async def collected() -> None:
        gone.append(await ledger.collect(timedelta(hours=24)))

    assert await reads.most(collected) < 20 * 100
    assert gone[0] == 100
