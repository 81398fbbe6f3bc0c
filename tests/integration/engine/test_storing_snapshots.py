"""A snapshot that is written while the run's row is locked by what ends or takes it over."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from uuid import UUID

import pytest

from libs.common.database.asyncpg_pool import create_pool
from libs.common.database.tenant_transaction import tenant_transaction
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.run_started import run_started
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.execution.run_snapshot import RunSnapshot
from tests.support.databases import FreshDatabase
from tests.support.engine_stores import DEFINITION, HASH, EngineStores, postgres_stores, request
from tests.unit.engine.execution.random_graphs import random_graph

TENANT = UUID("00000000-0000-7000-8000-000000000001")


@pytest.fixture
async def stores(migrated_database: FreshDatabase) -> AsyncIterator[EngineStores]:
    async with postgres_stores(migrated_database) as made:
        await made.workflows.put(TENANT, HASH, DEFINITION)
        await made.leases.beat(made.workers[0], seconds=30.0)
        yield made


async def _claimed(stores: EngineStores) -> Claim:
    accepted = await stores.runs.accept(request(TENANT), worker=stores.workers[0])
    assert accepted.claim is not None
    return accepted.claim


def _snapshot(claim: Claim, seq: int) -> RunSnapshot:
    compiled = random_graph(Random(1), fatal=False).compiled()
    machine = RunMachine(compiled, tenant_id=TENANT, run_id=claim.run_id)
    machine.fold(run_started(claim.request, now=1.0))
    view = PublicView(claim.run_id, {})
    return RunSnapshot(seq=seq, machine=machine.snapshot(), view=view.snapshot())


@asynccontextmanager
async def _row_locked(database: FreshDatabase, claim: Claim, strength: str) -> AsyncGenerator[None]:
    async with await create_pool(database.url) as pool, tenant_transaction(pool, TENANT) as held:
        row = await held.fetchrow(
            f"select 1 from engine.runs where run_id = $1 for {strength}", claim.run_id
        )
        assert row is not None
        yield


async def test_it_is_undone_and_what_was_there_stays(
    stores: EngineStores, migrated_database: FreshDatabase
) -> None:
    claim = await _claimed(stores)
    await stores.snapshots.keep(claim, _snapshot(claim, 1))
    async with _row_locked(migrated_database, claim, "no key update"), asyncio.timeout(5):
        await stores.snapshots.keep(claim, _snapshot(claim, 2))
    found = await stores.snapshots.newest(TENANT, claim.run_id)
    assert found is not None
    assert found.seq == 1


async def test_commits_of_the_same_run_are_not_in_its_way(
    stores: EngineStores, migrated_database: FreshDatabase
) -> None:
    claim = await _claimed(stores)
    async with _row_locked(migrated_database, claim, "share"), asyncio.timeout(5):
        await stores.snapshots.keep(claim, _snapshot(claim, 1))
    assert await stores.snapshots.newest(TENANT, claim.run_id) is not None


async def test_its_commit_does_not_wait_for_the_disk(
    stores: EngineStores, migrated_database: FreshDatabase
) -> None:
    """Or whoever wants the run's row would."""
    claim = await _claimed(stores)
    async with await create_pool(migrated_database.url) as pool, pool.acquire() as connection:
        await connection.execute("set synchronous_commit = on")
        async with connection.transaction():
            kept = await connection.fetchval(
                "select engine.keep_snapshot($1, $2, 1, 1, 1, '')", TENANT, claim.run_id
            )
            assert kept is True
            assert await connection.fetchval("show synchronous_commit") == "off"
        assert await connection.fetchval("show synchronous_commit") == "on"
