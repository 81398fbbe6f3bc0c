"""The group commit against a real Postgres: batching, contention, lost connections."""

import asyncio

import asyncpg
import pytest

from libs.common.contracts.run_commands import RunEnded
from libs.common.identifiers import uuid7
from services.engine.app.ports.journal_store import Verdict
from tests.integration.engine.commit_bench import (
    COMMIT,
    CommitBench,
    batch,
    blocked,
    ended,
)
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT


async def test_what_waited_goes_as_one_group(bench: CommitBench) -> None:
    claims = [await bench.claim() for _ in range(20)]
    async with asyncio.timeout(10):
        verdicts = await asyncio.gather(*(bench.submit(claim) for claim in claims))
    assert set(verdicts) == {Verdict.TAKEN}
    assert bench.groups == [20]


async def test_a_commit_reads_no_running_run_but_its_own(bench: CommitBench) -> None:
    claims = [await bench.claim() for _ in range(60)]
    async with bench.pool.acquire() as connection, connection.transaction():
        assert await connection.fetchval(COMMIT, *batch(bench.worker, claims, 1)) == []
        read = await connection.fetchval(
            "SELECT idx_tup_fetch FROM pg_stat_xact_user_tables "
            "WHERE relid = 'engine.runs'::regclass"
        )
    assert read <= 2 * len(claims)


async def test_a_group_waits_for_a_lock_and_takes_the_next_ones_with_it(
    bench: CommitBench, migrated_database: FreshDatabase
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
            await blocked(holder)
            others = [bench.submit(second), bench.submit(third)]
            await transaction.rollback()
            assert await asyncio.gather(waits, *others) == [Verdict.TAKEN] * 3
    finally:
        await holder.close()
    assert bench.groups == [1, 2]


async def test_a_connection_lost_in_the_middle_changes_nothing(
    bench: CommitBench, migrated_database: FreshDatabase
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
            await blocked(holder)
            await holder.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE '%commit_batch%' AND pid <> pg_backend_pid()"
            )
            await transaction.rollback()
            assert await told is Verdict.TAKEN
    finally:
        await holder.close()
    assert [entry.seq for entry in await bench.reader.read(TENANT, claim.run_id)] == [1]


async def test_a_repeat_recognises_its_own_row(bench: CommitBench) -> None:
    claim = await bench.claim()
    ours = batch(bench.worker, [claim], 4711)
    assert await bench.pool.fetchval(COMMIT, *ours) == []
    assert await bench.pool.fetchval(COMMIT, *ours) == []
    assert await bench.pool.fetchval(COMMIT, *batch(bench.worker, [claim], 4712)) == [1]


async def test_the_end_of_a_run_brings_its_fact_in_the_same_commit(
    bench: CommitBench, migrated_database: FreshDatabase
) -> None:
    claim = await bench.claim()
    async with asyncio.timeout(10):
        assert await bench.submit(claim, ending=ended(claim)) is Verdict.TAKEN
    found = await bench.runs.find(TENANT, claim.run_id)
    assert (found.status, found.outcome) == ("succeeded", ended(claim))
    reader = await asyncpg.connect(migrated_database.admin_url)
    try:
        rows = await reader.fetch("SELECT subject, body FROM engine.outbox")
    finally:
        await reader.close()
    assert [row["subject"] for row in rows] == ["engine.ended.main"]
    assert RunEnded.model_validate_json(rows[0]["body"]) == ended(claim)


async def test_a_journal_row_can_be_neither_changed_nor_removed(bench: CommitBench) -> None:
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


async def test_without_a_tenant_every_table_looks_empty(bench: CommitBench) -> None:
    await bench.claim()
    assert await bench.pool.fetchval("SELECT count(*) FROM engine.runs") == 0


async def test_ids_of_these_months_have_a_partition(bench: CommitBench) -> None:
    months = await bench.pool.fetchval("SELECT count(*) FROM engine.journal_months")
    assert months == 4
    inside = "SELECT count(*) FROM engine.journal_months WHERE lower_id <= $1 AND $1 < upper_id"
    assert await bench.pool.fetchval(inside, uuid7()) == 1
