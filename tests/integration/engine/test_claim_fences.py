"""What the functions that hand runs out let through when several ask at once, or too late."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.run_commands import AcceptRun
from libs.common.database.asyncpg_pool import Connection
from services.engine.app.ports.run_store import Claim, Group
from services.engine.infra.postgres.run_store import PostgresRunStore
from tests.integration.engine.commit_bench import CommitBench, blocked, ended
from tests.support.engine_harness import TENANT
from tests.support.engine_stores import HASH, request

_CLAIM_QUEUED = "SELECT * FROM engine.claim_queued($1, $2, $3, $4)"
_CLAIM_ORPHANED = "SELECT * FROM engine.claim_orphaned($1, $2, $3)"


@pytest.fixture
async def other(bench: CommitBench) -> UUID:
    """Another living worker."""
    worker = uuid4()
    await bench.leases.beat(worker, seconds=60.0)
    return worker


async def _queued(bench: CommitBench, app: UUID, count: int) -> list[AcceptRun]:
    asked = [request(TENANT, app_id=app) for _ in range(count)]
    for each in asked:
        await bench.runs.accept(each, worker=None)
    return asked


def _limited(bench: CommitBench) -> PostgresRunStore:
    """At most one running run of an app."""
    return PostgresRunStore(bench.pool, bench.pool, group_limit=1)


def _ids(claims: Sequence[Claim]) -> list[UUID]:
    return [claim.run_id for claim in claims]


async def test_two_pickers_at_once_take_two_runs_and_nobody_waits(
    bench: CommitBench, beside: Connection, other: UUID
) -> None:
    app = uuid4()
    oldest, next_one = await _queued(bench, app, 2)
    async with asyncio.timeout(10), beside.transaction():
        (first,) = await beside.fetch(_CLAIM_QUEUED, other, [TENANT], [app], None)
        taken = await bench.runs.claim_queued(bench.worker, [Group(TENANT, app)])
    assert (first["run_id"], _ids(taken)) == (oldest.run_id, [next_one.run_id])
    assert (await bench.runs.find(TENANT, oldest.run_id)).epoch == 1


async def test_two_pickers_at_once_do_not_share_a_groups_last_place(
    bench: CommitBench, beside: Connection, other: UUID
) -> None:
    app = uuid4()
    await _queued(bench, app, 2)
    async with asyncio.timeout(10):
        async with beside.transaction():
            assert len(await beside.fetch(_CLAIM_QUEUED, other, [TENANT], [app], 1)) == 1
            late = asyncio.ensure_future(
                _limited(bench).claim_queued(bench.worker, [Group(TENANT, app)])
            )
            await blocked(beside)
        assert await late == []


async def test_groups_are_locked_in_one_order(
    bench: CommitBench, beside: Connection, other: UUID
) -> None:
    low, high = sorted(uuid4() for _ in range(2))
    for app in (low, high):
        await _queued(bench, app, 2)
    async with asyncio.timeout(10):
        async with beside.transaction():
            await beside.fetch(_CLAIM_QUEUED, other, [TENANT], [low], 1)
            groups = [Group(TENANT, high), Group(TENANT, low)]
            late = asyncio.ensure_future(_limited(bench).claim_queued(bench.worker, groups))
            await blocked(beside)
            held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            assert await beside.fetchval(held) == 1, "the waiting one holds no other group"
        assert len(await late) == 1


async def test_a_full_group_accepts_no_run_for_at_once(bench: CommitBench) -> None:
    app = uuid4()
    accepted = [
        await _limited(bench).accept(request(TENANT, app_id=app), worker=bench.worker)
        for _ in range(2)
    ]
    assert [each.status for each in accepted] == ["running", "queued"]


async def test_two_acceptances_at_once_are_one_run(bench: CommitBench, beside: Connection) -> None:
    asked = request(TENANT)
    async with asyncio.timeout(10):
        async with beside.transaction():
            await beside.execute(
                "INSERT INTO engine.runs (tenant_id, run_id, app_id, shard, status, workflow_hash,"
                " request) VALUES ($1, $2, $3, 0, 'queued', $4, $5)",
                *(TENANT, asked.run_id, asked.app_id, HASH, asked.model_dump_json().encode()),
            )
            again = asyncio.ensure_future(bench.runs.accept(asked, worker=None))
            await blocked(beside)
        assert (await again).already_known


async def test_a_run_is_taken_over_only_where_that_is_still_due(
    bench: CommitBench, beside: Connection, other: UUID
) -> None:
    """Between the look and the claim its owner may have come back, or the run have ended."""
    alive, over = await bench.claim(), await bench.claim()
    async with asyncio.timeout(10):
        await bench.submit(over, ending=ended(over))
    (waiting,) = await _queued(bench, uuid4(), 1)
    runs = [alive.run_id, over.run_id, waiting.run_id]
    assert await beside.fetch(_CLAIM_ORPHANED, other, [TENANT] * 3, runs) == []
    await bench.leases.beat(bench.worker, seconds=-1.0)
    await bench.leases.beat(other, seconds=-1.0)
    assert await beside.fetch(_CLAIM_ORPHANED, other, [TENANT] * 3, runs) == []
    await bench.leases.beat(other, seconds=60.0)
    (taken,) = await beside.fetch(_CLAIM_ORPHANED, other, [TENANT] * 3, runs)
    assert (taken["run_id"], taken["epoch"]) == (alive.run_id, 2)


async def test_an_older_claim_gives_nothing_back_and_puts_nothing_aside(
    bench: CommitBench, other: UUID
) -> None:
    old = await bench.claim()
    (claim,) = await bench.runs.claim_orphaned(bench.worker, driven=[], most=9)
    assert (old.epoch, claim.epoch) == (1, 2)
    assert await bench.runs.release(bench.worker, [old]) == 0
    assert await bench.runs.release(other, [claim]) == 0
    assert not await bench.runs.set_aside(bench.worker, old, "quarantined", "no")
    assert await bench.runs.hand_over(bench.worker, old, to=other) is None
    assert (await bench.runs.find(TENANT, claim.run_id)).status == "running"


async def test_handing_over_again_finds_it_handed_over(bench: CommitBench, other: UUID) -> None:
    claim = await bench.claim()
    first, again = [await bench.runs.hand_over(bench.worker, claim, to=other) for _ in range(2)]
    assert first is not None
    assert first == again
    assert (await bench.runs.find(TENANT, claim.run_id)).epoch == 2
