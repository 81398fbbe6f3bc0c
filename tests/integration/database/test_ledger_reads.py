"""What the callees ask of their records reads those of one run, however many others there are."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Effect
from libs.common.keyed_calls.ledger import Claimed
from libs.common.keyed_calls.postgres_ledger import PostgresLedger
from tests.support.databases import FreshDatabase
from tests.support.rows_read import RowsRead, rows_read

_TENANT = UUID(int=10)
_AT_ONCE = 10
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


async def test_claims_and_results_read_their_own_rows(
    reads: RowsRead, ledger: PostgresLedger
) -> None:
    """Also those that share a statement; the calls before have ended, their runs have not."""
    runs = iter(await reads.admin.fetch("SELECT id FROM made WHERE n > 200 AND n % 2 = 1"))

    async def made() -> None:
        effects = [_effect(next(runs)["id"]) for _ in range(_AT_ONCE)]
        claims = await asyncio.gather(
            *(ledger.claim(_TENANT, effect, repeatable=False) for effect in effects)
        )
        assert claims == [Claimed(claim_number=1)] * _AT_ONCE
        taken = await asyncio.gather(
            *(ledger.record(_TENANT, effect.key, 1, "done", b"x") for effect in effects)
        )
        assert all(taken)
        # Whoever counts needs its connection.
        await ledger.step_down()

    assert await reads.most(made) < 20 * _AT_ONCE


async def test_leaving_needs_no_second_connection(reads: RowsRead, ledger: PostgresLedger) -> None:
    run = await reads.admin.fetchval("SELECT id FROM made WHERE n = 201")
    await ledger.claim(_TENANT, _effect(run), repeatable=False)
    async with asyncio.timeout(10):
        await ledger.step_down()
    assert await reads.admin.fetchval("SELECT count(*) FROM inference.holders") == 0


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


def _effect(run_id: UUID) -> Effect:
    return Effect(
        run_id=run_id, epoch=1, key=f"{run_id}/new", request_hash="h", effect_class="unsafe"
    )
