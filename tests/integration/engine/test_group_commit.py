"""The group commit against a real Postgres: batching, contention, lost connections."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.common.contracts.run_commands import RunEnded
from libs.common.database.asyncpg_pool import Pool, create_pool
from libs.common.identifiers import uuid7
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.run_started import run_started
from services.engine.infra.postgres.journal_reader import PostgresJournalReader
from services.engine.infra.postgres.journal_store import GroupCommitter
from services.engine.infra.postgres.run_store import PostgresRunStore
from services.engine.infra.postgres.worker_leases import PostgresWorkerLeases
from services.engine.infra.postgres.workflow_store import PostgresWorkflowStore
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT, eventually
from tests.support.engine_stores import DEFINITION, HASH, request

_WAITERS = """
SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"""


@dataclass(slots=True)
class _Bench:
    """One worker's committer with the sizes of the groups it wrote."""

    pool: Pool
    runs: PostgresRunStore
    reader: PostgresJournalReader
    committer: GroupCommitter
    worker: UUID
    groups: list[int]

    async def claim(self) -> Claim:
        accepted = await self.runs.accept(request(TENANT), worker=self.worker)
        assert accepted.claim is not None
        return accepted.claim

    def submit(self, claim: Claim, *, ending: RunEnded | None = None) -> asyncio.Future[Verdict]:
        told: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

        def settled(_: Append, verdict: Verdict, reason: str) -> None:
            told.set_result(verdict)

        self.committer.submit(
            Append(
                tenant_id=TENANT,
                run_id=claim.run_id,
                epoch=claim.epoch,
                first_seq=1,
                settled=settled,
                events=[run_started(claim.request, now=1.0)],
                ending=ending,
            )
        )
        return told


@pytest.fixture
async def bench(migrated_database: FreshDatabase) -> AsyncIterator[_Bench]:
    async with (
        await create_pool(migrated_database.url) as pool,
        await create_pool(migrated_database.sweeper_url) as sweeper,
    ):
        worker = uuid4()
        groups: list[int] = []
        committer = GroupCommitter(
            pool, worker, on_commit=lambda group: groups.append(len(group.appends))
        )
        await PostgresWorkerLeases(pool).beat(worker, seconds=60.0)
        await PostgresWorkflowStore(pool).put(TENANT, HASH, DEFINITION)
        writing = asyncio.ensure_future(committer.run())
        yield _Bench(
            pool=pool,
            runs=PostgresRunStore(pool, sweeper),
            reader=PostgresJournalReader(pool),
            committer=committer,
            worker=worker,
            groups=groups,
        )
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


def _ended(claim: Claim) -> RunEnded:
    return RunEnded(
        tenant_id=TENANT,
        run_id=claim.run_id,
        app_id=claim.request.app_id,
        epoch=claim.epoch,
        status="succeeded",
        created_at=1.0,
        finished_at=2.0,
    )


async def test_what_waited_goes_as_one_group(bench: _Bench) -> None:
    claims = [await bench.claim() for _ in range(20)]
    async with asyncio.timeout(10):
        verdicts = await asyncio.gather(*(bench.submit(claim) for claim in claims))
    assert set(verdicts) == {Verdict.TAKEN}
    assert bench.groups == [20]


async def test_a_group_waits_for_a_lock_and_takes_the_next_ones_with_it(
    bench: _Bench, migrated_database: FreshDatabase
) -> None:
    first, second, third = [await bench.claim() for _ in range(3)]
    holder = await asyncpg.connect(migrated_database.admin_url)
    try:
        async with asyncio.timeout(10):
            transaction = holder.transaction()
            await transaction.start()
            await holder.execute(
                "SELECT 1 FROM engine.runs WHERE run_id = $1 FOR UPDATE", first.run_id
            )
            waits = bench.submit(first)
            await _blocked(holder)
            others = [bench.submit(second), bench.submit(third)]
            await transaction.rollback()
            assert await asyncio.gather(waits, *others) == [Verdict.TAKEN] * 3
    finally:
        await holder.close()
    assert bench.groups == [1, 2]


async def test_a_connection_lost_in_the_middle_changes_nothing(
    bench: _Bench, migrated_database: FreshDatabase
) -> None:
    claim = await bench.claim()
    holder = await asyncpg.connect(migrated_database.admin_url)
    try:
        async with asyncio.timeout(20):
            transaction = holder.transaction()
            await transaction.start()
            await holder.execute(
                "SELECT 1 FROM engine.runs WHERE run_id = $1 FOR UPDATE", claim.run_id
            )
            told = bench.submit(claim)
            await _blocked(holder)
            await holder.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE '%commit_batch%' AND pid <> pg_backend_pid()"
            )
            await transaction.rollback()
            assert await told is Verdict.TAKEN
    finally:
        await holder.close()
    assert [entry.seq for entry in await bench.reader.read(TENANT, claim.run_id)] == [1]


async def test_a_repeat_recognises_its_own_row(bench: _Bench) -> None:
    claim = await bench.claim()
    arguments: tuple[object, ...] = (
        bench.worker, [TENANT], [claim.run_id], [claim.epoch], [1], [1], [4711], [b"[]"],
        [], [], [], [], [], "x",
    )  # fmt: skip
    marks = ", ".join(f"${place}" for place in range(1, 15))
    statement = f"SELECT engine.commit_batch({marks})"
    assert await bench.pool.fetchval(statement, *arguments) == []
    assert await bench.pool.fetchval(statement, *arguments) == []
    stranger: tuple[object, ...] = (*arguments[:6], [4712], *arguments[7:])
    assert await bench.pool.fetchval(statement, *stranger) == [1]


async def test_the_end_of_a_run_brings_its_fact_in_the_same_commit(
    bench: _Bench, migrated_database: FreshDatabase
) -> None:
    claim = await bench.claim()
    async with asyncio.timeout(10):
        assert await bench.submit(claim, ending=_ended(claim)) is Verdict.TAKEN
    found = await bench.runs.find(TENANT, claim.run_id)
    assert (found.status, found.outcome) == ("succeeded", _ended(claim))
    reader = await asyncpg.connect(migrated_database.admin_url)
    try:
        rows = await reader.fetch("SELECT subject, body FROM engine.outbox")
    finally:
        await reader.close()
    assert [row["subject"] for row in rows] == ["engine.ended.main"]
    assert RunEnded.model_validate_json(rows[0]["body"]) == _ended(claim)


async def test_a_journal_row_can_be_neither_changed_nor_removed(bench: _Bench) -> None:
    for statement in ("UPDATE engine.journal SET epoch = 9", "DELETE FROM engine.journal"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bench.pool.execute(statement)


async def test_the_sweeper_sees_no_contents(migrated_database: FreshDatabase) -> None:
    sweeper = await asyncpg.connect(migrated_database.sweeper_url)
    try:
        for statement in ("SELECT request FROM engine.runs", "SELECT bytes FROM engine.journal"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await sweeper.execute(statement)
    finally:
        await sweeper.close()


async def test_without_a_tenant_every_table_looks_empty(bench: _Bench) -> None:
    await bench.claim()
    assert await bench.pool.fetchval("SELECT count(*) FROM engine.runs") == 0


async def test_ids_of_these_months_have_a_partition(bench: _Bench) -> None:
    months = await bench.pool.fetchval("SELECT count(*) FROM engine.journal_months")
    assert months == 4
    inside = "SELECT count(*) FROM engine.journal_months WHERE lower_id <= $1 AND $1 < upper_id"
    assert await bench.pool.fetchval(inside, uuid7()) == 1


async def _blocked(holder: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until somebody waits for a lock of `holder`."""

    async def somebody_waits() -> bool:
        return bool(await holder.fetchval(_WAITERS))

    await eventually(somebody_waits)
