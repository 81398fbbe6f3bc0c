"""Old months of the journal go, but never under a run that has not ended."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from libs.common.contracts.run_commands import AbortRun
from libs.common.contracts.run_forks import PlanFork
from libs.common.contracts.run_queries import RunEventsQuery, TraceQuery
from libs.common.database.asyncpg_pool import Connection, create_pool
from libs.common.errors import Unavailable
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.object_store.filesystem_store import FilesystemStore
from libs.common.run_seal import RunSeal
from services.engine.app.errors import HistoryGone, RunIdOutOfRange
from services.engine.infra.postgres.journal_retention import JournalRetention
from services.engine.infra.postgres.stored_object_collector import StoredObjectCollector
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT, Cluster, postgres_cluster
from tests.support.engine_nodes import chain, form
from tests.support.engine_secrets import MASTER_KEY

_MONTH = "2025-02-01"
_MAKE = f"""
DO $$
DECLARE
    v_lower uuid := engine.lowest_id('{_MONTH} 00:00Z');
    v_upper uuid := engine.lowest_id('2025-03-01 00:00Z');
BEGIN
    EXECUTE format('CREATE TABLE engine.journal_2025_02 PARTITION OF engine.journal '
        'FOR VALUES FROM (%L) TO (%L)', v_lower, v_upper);
    ALTER TABLE engine.journal_2025_02 OWNER TO heddle_owner;
    INSERT INTO engine.journal_months VALUES ('{_MONTH}', v_lower, v_upper);
END $$"""
_EVERYTHING = ["closed", "detached", "dropped"]


class _Old:
    """Runs that began long ago, and what retires their month."""

    def __init__(self, cluster: Cluster, retention: JournalRetention, admin: Connection) -> None:
        self.cluster = cluster
        self.retention = retention
        self.admin = admin

    async def run(self, *nodes: dict[str, object]) -> UUID:
        run_id: UUID = await self.admin.fetchval(
            "SELECT (substr(engine.lowest_id('2025-02-14 00:00Z')::text, 1, 14) || '7'"
            " || substr(uuidv7()::text, 16))::uuid"
        )
        asked = await self.cluster.asked(chain(*nodes), run_id=run_id)
        await self.cluster.replicas[0].engine.use_cases.accept.execute(asked)
        return run_id

    async def steps(self) -> list[str | None]:
        return [each.step for each in await self.retention.retire()]


@pytest.fixture
async def old(
    migrated_database: FreshDatabase, bus: InMemoryBus, objects: FilesystemStore
) -> AsyncIterator[_Old]:
    admin: Connection = await asyncpg.connect(migrated_database.admin_url)
    await admin.execute(_MAKE)
    async with (
        await create_pool(migrated_database.url) as pool,
        postgres_cluster(migrated_database, bus, objects=objects) as cluster,
    ):
        await cluster.replica()
        yield _Old(cluster, JournalRetention(pool, 3, settle=timedelta(0)), admin)
    await admin.close()


async def test_of_an_old_run_only_the_outcome_stays(old: _Old) -> None:
    run_id = await old.run({"type": "pass"})
    assert (await old.cluster.ended(run_id)).status == "succeeded"
    assert await old.steps() == _EVERYTHING
    assert await old.steps() == []
    assert await old.admin.fetchval("SELECT to_regclass('engine.journal_2025_02')") is None
    assert (await old.cluster.view(run_id)).status == "succeeded"
    cases = old.cluster.replicas[0].engine.use_cases
    record = await old.cluster.replicas[0].stores.runs.find(TENANT, run_id)
    fork = PlanFork(tenant_id=TENANT, run_id=run_id, workflow_hash=record.workflow_hash)
    with pytest.raises(HistoryGone):
        await cases.read.events(RunEventsQuery(tenant_id=TENANT, run_id=run_id))
    with pytest.raises(HistoryGone):
        await cases.read.trace(TraceQuery(tenant_id=TENANT, run_id=run_id))
    with pytest.raises(HistoryGone):
        await cases.plan_fork.execute(fork)


async def test_large_events_go_with_their_month(
    old: _Old, objects: FilesystemStore, migrated_database: FreshDatabase
) -> None:
    run_id = await old.run({"type": "huge", "size": 300 * 1024})
    await old.cluster.ended(run_id)
    named = [info.key async for info in objects.list("journal/")]
    assert named
    later = datetime.now(UTC) + timedelta(hours=25)
    async with await create_pool(migrated_database.url) as pool:
        collector = StoredObjectCollector(pool, objects, RunSeal(MASTER_KEY))
        assert await collector.collect(later) == 0
        assert await old.steps() == _EVERYTHING
        assert await collector.collect(later) == len(named)


async def test_a_run_of_these_months_is_left_alone(old: _Old) -> None:
    asked = await old.cluster.asked(chain({"type": "pass"}))
    await old.cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await old.cluster.ended(asked.run_id)
    assert await old.steps() == _EVERYTHING
    assert await old.cluster.events(asked.run_id)


async def test_a_parked_run_keeps_its_month(old: _Old) -> None:
    run_id = await old.run(form())
    await old.cluster.parked(run_id)
    assert await old.steps() == []
    abort = AbortRun(tenant_id=TENANT, run_id=run_id, command_id=uuid7(), reason="")
    await old.cluster.replicas[0].engine.use_cases.command.send(abort)
    assert (await old.cluster.ended(run_id)).status == "stopped"
    assert await old.steps() == _EVERYTHING


async def test_a_closed_month_takes_no_more_runs(
    old: _Old, migrated_database: FreshDatabase
) -> None:
    async with await create_pool(migrated_database.url) as pool:
        assert [each.step for each in await JournalRetention(pool, 3).retire()] == ["closed"]
    with pytest.raises(RunIdOutOfRange):
        await old.run({"type": "pass"})


async def test_a_run_that_slipped_into_a_closed_month_opens_it_again(old: _Old) -> None:
    run_id = await old.run(form())
    await old.cluster.parked(run_id)
    await old.admin.execute("UPDATE engine.journal_months SET closed_at = now()")
    assert (await old.steps())[:1] == ["reopened"]
    assert await old.cluster.events(run_id)


async def test_somebody_who_reads_is_not_waited_for(old: _Old) -> None:
    """Neither does a commit wait behind."""
    async with asyncio.timeout(20):
        async with old.admin.transaction():
            await old.admin.fetch("SELECT count(*) FROM engine.journal")
            with pytest.raises(Unavailable):
                await old.steps()
            asked = await old.cluster.asked(chain({"type": "pass"}))
            await old.cluster.replicas[0].engine.use_cases.accept.execute(asked)
            await old.cluster.ended(asked.run_id)
        assert await old.steps() == _EVERYTHING[1:]


async def test_one_worker_at_a_time_retires_months(old: _Old) -> None:
    async with old.admin.transaction():
        await old.admin.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('engine.retire_journal_month', 0))"
        )
        assert await old.steps() == []
    assert await old.steps() == _EVERYTHING
