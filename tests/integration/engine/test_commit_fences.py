"""What the group commit's function lets through, and what it holds up or refuses."""

import asyncio
from uuid import UUID, uuid4

import asyncpg

from libs.common.database.asyncpg_pool import Connection
from libs.common.identifiers import uuid7
from services.engine.app.ports.journal_store import Verdict
from services.engine.app.ports.run_store import Claim
from tests.integration.engine.commit_bench import (
    COMMIT,
    CommitBench,
    batch,
    blocked,
    ended,
)
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT

_TAKE_OVER = """
UPDATE engine.runs SET epoch = epoch + 1, owner = $2, takeovers = takeovers + 1
WHERE run_id = $1"""


async def _rows(connection: Connection, run_id: UUID) -> int:
    found = await connection.fetchval(
        "SELECT count(*) FROM engine.journal WHERE run_id = $1", run_id
    )
    return int(found)


async def _outbox(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM engine.outbox"))


async def test_a_claim_under_way_makes_the_old_owner_wait_and_lose(
    bench: CommitBench, beside: Connection
) -> None:
    claim = await bench.claim()
    async with asyncio.timeout(10):
        async with beside.transaction():
            await beside.execute(_TAKE_OVER, claim.run_id, uuid4())
            verdict = bench.submit(claim)
            await blocked(beside)
        assert await verdict is Verdict.LOST
    assert await _rows(beside, claim.run_id) == 0


async def test_a_commit_under_way_is_not_overtaken_by_a_claim(
    bench: CommitBench, beside: Connection
) -> None:
    claim = await bench.claim()
    heir = uuid4()
    await bench.leases.beat(heir, seconds=60.0)
    async with beside.transaction():
        assert await beside.fetchval(COMMIT, *batch(bench.worker, [claim], 1)) == []
        await bench.leases.beat(bench.worker, seconds=-1.0)
        assert await bench.runs.claim_orphaned(heir, driven=None, most=9) == []
    (taken,) = await bench.runs.claim_orphaned(heir, driven=None, most=9)
    assert (taken.epoch, await _rows(beside, claim.run_id)) == (2, 1)


async def test_an_older_epoch_of_the_same_worker_cannot_write(bench: CommitBench) -> None:
    claim = await bench.claim()
    (again,) = await bench.runs.claim_orphaned(bench.worker, driven=[], most=9)
    async with asyncio.timeout(10):
        assert await bench.submit(claim) is Verdict.LOST
        assert await bench.submit(again) is Verdict.TAKEN


async def test_the_repeat_of_an_end_is_taken_and_ends_nothing_twice(
    bench: CommitBench, beside: Connection
) -> None:
    claim = await bench.claim()
    ours = batch(bench.worker, [claim], 4711, ending=uuid7())
    assert await bench.pool.fetchval(COMMIT, *ours) == []
    assert await bench.pool.fetchval(COMMIT, *ours) == []
    other = batch(bench.worker, [claim], 4712, ending=uuid7())
    assert await bench.pool.fetchval(COMMIT, *other) == [1]
    assert (await _rows(beside, claim.run_id), await _outbox(beside)) == (1, 1)


async def test_what_was_lost_neither_ends_nor_forgives(
    bench: CommitBench, beside: Connection
) -> None:
    first = await bench.claim()
    await bench.leases.beat(bench.worker, seconds=-1.0)
    heir = uuid4()
    await bench.leases.beat(heir, seconds=60.0)
    (claim,) = await bench.runs.claim_orphaned(heir, driven=None, most=9)
    assert (claim.run_id, claim.takeovers) == (first.run_id, 1)
    assert await bench.pool.fetchval(COMMIT, *batch(heir, [claim], 1)) == []
    # Its own epoch, but another row stands in that place.
    late = [*batch(heir, [claim], 2, ending=uuid7())]
    late[8] = [1]
    assert await bench.pool.fetchval(COMMIT, *late) == [1]
    found = await bench.runs.find(TENANT, claim.run_id)
    takeovers = await beside.fetchval("SELECT takeovers FROM engine.runs")
    assert (found.status, takeovers, await _outbox(beside)) == ("running", 1, 0)


async def test_one_lost_end_leaves_the_others_their_own(
    bench: CommitBench, beside: Connection
) -> None:
    lost, kept = await bench.claim(), await bench.claim()
    assert await bench.runs.release(bench.worker, [lost]) == 1
    verdicts = bench.submit(lost, ending=ended(lost)), bench.submit(kept, ending=ended(kept))
    async with asyncio.timeout(10):
        assert await asyncio.gather(*verdicts) == [Verdict.LOST, Verdict.TAKEN]
    statuses = [(await bench.runs.find(TENANT, each.run_id)).status for each in (lost, kept)]
    assert (statuses, await _outbox(beside)) == (["queued", "succeeded"], 1)


async def test_runs_are_locked_in_the_order_of_their_ids(
    bench: CommitBench, beside: Connection, migrated_database: FreshDatabase
) -> None:
    claims = [await bench.claim() for _ in range(4)]
    async with asyncio.timeout(10):
        async with beside.transaction():
            await _lock(beside, claims[1])
            # In no order at all: the committer has to make one.
            verdicts = [bench.submit(claims[place]) for place in (3, 0, 2, 1)]
            await blocked(beside)
            assert await _locked(migrated_database, claims) == [True, True, False, False]
        assert set(await asyncio.gather(*verdicts)) == {Verdict.TAKEN}


async def _lock(connection: Connection, claim: Claim) -> None:
    await connection.execute("SELECT FROM engine.runs WHERE run_id = $1 FOR UPDATE", claim.run_id)


async def _locked(database: FreshDatabase, claims: list[Claim]) -> list[bool]:
    """Which of them somebody holds."""
    connection: Connection = await asyncpg.connect(database.admin_url)
    try:
        free = await connection.fetch("SELECT run_id FROM engine.runs FOR UPDATE SKIP LOCKED")
    finally:
        await connection.close()
    ids = {row["run_id"] for row in free}
    return [claim.run_id not in ids for claim in claims]
