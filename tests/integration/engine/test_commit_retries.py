"""Contention and lost connections are the group's, and retried whole; bad data is one run's."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.common.database.asyncpg_pool import Connection, Pool, PooledConnection
from libs.common.database.connection_options import ConnectionOptions
from services.engine.app.ports.journal_store import Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.infra.postgres.journal_store import GroupCommitter
from tests.integration.engine.commit_bench import CommitBench, blocked, commit_bench
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT
from tests.support.engine_stores import HASH, request

_LOCK = "SELECT FROM engine.runs WHERE run_id = $1 FOR UPDATE"


@pytest.fixture
async def bench(migrated_database: FreshDatabase) -> AsyncIterator[CommitBench]:
    async with commit_bench(migrated_database, ConnectionOptions(lock_timeout=0.3)) as made:
        yield made


@pytest.fixture
async def patient(migrated_database: FreshDatabase) -> AsyncIterator[CommitBench]:
    """As `bench`, with longer patience for locks than Postgres takes to see a deadlock."""
    async with commit_bench(migrated_database) as made:
        yield made


@pytest.fixture
async def beside(migrated_database: FreshDatabase) -> AsyncIterator[Connection]:
    """A superuser's connection, to hold locks with; never the one that sees a deadlock."""
    connection: Connection = await asyncpg.connect(migrated_database.admin_url)
    await connection.execute("SET deadlock_timeout = '1min'")
    yield connection
    await connection.close()


async def test_a_deadlock_is_tried_again_with_the_whole_group(
    patient: CommitBench, beside: Connection
) -> None:
    claims = [await patient.claim() for _ in range(3)]
    async with asyncio.timeout(20):
        async with beside.transaction():
            await beside.execute(_LOCK, claims[2].run_id)
            verdicts = [patient.submit(claim) for claim in claims]
            await blocked(beside)
            # It holds the first and waits for the last; now we wait for the first.
            await beside.execute(_LOCK, claims[0].run_id)
        assert set(await asyncio.gather(*verdicts)) == {Verdict.TAKEN}
    assert patient.groups == [3]


async def test_a_lock_time_out_is_tried_again_with_the_whole_group(
    bench: CommitBench, beside: Connection
) -> None:
    claims = [await bench.claim() for _ in range(3)]
    async with asyncio.timeout(20):
        async with beside.transaction():
            await beside.execute(_LOCK, claims[1].run_id)
            verdicts = [bench.submit(claim) for claim in claims]
            await blocked(beside)
            await _waiter_gone(beside)
        assert set(await asyncio.gather(*verdicts)) == {Verdict.TAKEN}
    assert bench.groups == [3]


async def test_what_no_table_takes_is_refused_alone(bench: CommitBench, beside: Connection) -> None:
    good = [await bench.claim() for _ in range(3)]
    homeless = await _claim_without_a_partition(bench, beside)
    async with asyncio.timeout(20):
        verdicts = await asyncio.gather(
            *(bench.submit(claim) for claim in (good[0], homeless, good[1], good[2]))
        )
    assert verdicts == [Verdict.TAKEN, Verdict.REFUSED, Verdict.TAKEN, Verdict.TAKEN]


async def test_a_commit_whose_answer_got_lost_is_taken(
    bench: CommitBench, beside: Connection
) -> None:
    claim = await bench.claim()
    deaf = _DeafPool(bench.pool)
    bench.committer = GroupCommitter(cast("Pool", deaf), bench.worker)
    writing = asyncio.ensure_future(bench.committer.run())
    try:
        async with asyncio.timeout(20):
            assert await bench.submit(claim) is Verdict.TAKEN
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    assert (deaf.lost, len(await bench.reader.read(TENANT, claim.run_id))) == (1, 1)


async def _waiter_gone(beside: Connection) -> None:
    """Wait until the one that waited for a lock of ours has given up once."""
    waiting = "SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    while await beside.fetch(waiting):
        await beside.execute("SELECT pg_sleep(0.02)")


async def _claim_without_a_partition(bench: CommitBench, beside: Connection) -> Claim:
    """A run of an age for which the journal has no table; acceptance would have refused it."""
    old = UUID(int=(1_000_000_000_000 << 80) | (7 << 76) | (2 << 62))
    asked = request(TENANT).model_copy(update={"run_id": old})
    await beside.execute(
        "INSERT INTO engine.runs (tenant_id, run_id, app_id, shard, status, epoch, owner,"
        " workflow_hash, request) VALUES ($1, $2, $3, 0, 'running', 1, $4, $5, $6)",
        *(TENANT, old, uuid4(), bench.worker, HASH, asked.model_dump_json().encode()),
    )
    return Claim(epoch=1, request=asked, accepted_at=1.0, fresh=True)


class _DeafPool:
    """The real pool; the first answer that comes back on it gets lost behind its commit."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: PooledConnection | None = None
        self.lost = 0

    async def acquire(self) -> "_DeafPool":
        self._connection = await self._pool.acquire()
        return self

    async def release(self, _: object, *, timeout: float) -> None:
        assert self._connection is not None
        await self._pool.release(self._connection, timeout=timeout)

    async def fetchval(self, statement: str, *arguments: object) -> object:
        assert self._connection is not None
        answer = await self._connection.fetchval(statement, *arguments)
        if self.lost == 0:
            self.lost = 1
            raise asyncpg.ConnectionDoesNotExistError("the connection was lost")
        return answer
