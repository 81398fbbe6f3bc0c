"""Runs whose environment holds secrets: resolved by reference, journalled sealed, shown masked."""

# The driver's snapshots have no door of their own.
# pyright: reportPrivateUsage=false

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from libs.common.contracts.run_commands import EnvironmentValue
from libs.common.contracts.run_queries import TraceQuery
from libs.common.database.asyncpg_pool import create_pool
from libs.common.object_store.filesystem_store import FilesystemStore
from libs.common.run_sealing import MASK
from services.engine.domain.events.journal import RunStarted
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster
from tests.support.engine_nodes import chain
from tests.support.engine_secrets import APP, OPTIONS, VALUE, Keeper, asked, rows


@pytest.fixture
def cluster(secrets: Cluster) -> Cluster:
    return secrets


async def test_the_value_is_used_and_the_journal_is_closed(
    cluster: Cluster, migrated_database: FreshDatabase
) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    assert (await cluster.ended(request.run_id)).status == "succeeded"
    first = (await cluster.journal(request.run_id))[0].event
    assert isinstance(first, RunStarted)
    assert (first.secrets, first.environment) == ({"KEY": 3}, {"PLAIN": "seen"})
    stored = await rows(migrated_database, request.run_id)
    assert stored
    assert not any(VALUE.encode() in row or VALUE.upper().encode() in row for row in stored)


async def test_large_events_are_closed_too(
    cluster: Cluster, migrated_database: FreshDatabase, keeper: Keeper, objects: FilesystemStore
) -> None:
    keeper.stored["KEY", 3] = VALUE * 15_000
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    assert (await cluster.ended(request.run_id)).status == "succeeded"
    keys = [info.key async for info in objects.list("")]
    assert len(keys) == 2
    stored = await rows(migrated_database, request.run_id)
    stored += [await objects.get(key) for key in keys]
    said = (VALUE.encode(), VALUE.upper().encode(), *(key.encode() for key in keys))
    assert not any(word in row for row in stored for word in said)
    assert str(await cluster.journal(request.run_id)).count(VALUE) == 15_000


async def test_readers_see_a_mask(cluster: Cluster, keeper: Keeper) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    await cluster.ended(request.run_id)
    reads = replica.engine.use_cases.read
    query = TraceQuery(tenant_id=TENANT, run_id=request.run_id)
    used = (await reads.trace(query)).nodes[1]
    assert used.inputs == {"key": MASK}
    assert used.outputs == {"result": VALUE.upper()}, "what code makes of it is not recognised"

    keeper.stored.clear()
    other = await cluster.replica(OPTIONS, serve=False)
    used = (await other.engine.use_cases.read.trace(query)).nodes[1]
    assert (used.inputs, used.outputs) == ({"key": MASK}, {"result": MASK})


async def test_another_replica_takes_over_with_the_same_request(
    cluster: Cluster, callees: Callees, keeper: Keeper
) -> None:
    callees.gate.clear()
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    callees.arrived.clear()
    await cluster.replica(OPTIONS, serve=False)
    await asyncio.wait_for(callees.arrived.wait(), 10)
    callees.gate.set()
    view = await cluster.ended(request.run_id)
    before, after = callees.effects
    assert (view.status, view.epoch) == ("succeeded", 2)
    assert (before.key, before.request_hash) == (after.key, after.request_hash)
    assert keeper.asked == 2


async def test_a_value_that_is_gone_fails_the_run_by_name(
    cluster: Cluster, callees: Callees
) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster, version=4)
    await replica.engine.use_cases.accept.execute(request)
    view = await cluster.ended(request.run_id)
    assert (view.status, callees.effects) == ("failed", [])
    assert view.error is not None
    assert "'KEY' (version 4)" in view.error
    kinds = [event.kind for event in await cluster.events(request.run_id)]
    assert kinds == ["run_started", "run_finished"]


async def test_it_is_gone_at_a_takeover(cluster: Cluster, callees: Callees, keeper: Keeper) -> None:
    callees.gate.clear()
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    keeper.stored.clear()
    await cluster.replica(OPTIONS, serve=False)
    view = await cluster.ended(request.run_id)
    assert view.status == "failed"
    assert "'KEY' (version 3)" in (view.error or "")


async def test_values_are_asked_for_once_a_minute(cluster: Cluster, keeper: Keeper) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    for _ in range(3):
        request = await asked(cluster)
        await replica.engine.use_cases.accept.execute(request)
        await cluster.ended(request.run_id)
    assert keeper.asked == 1


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
async def test_its_snapshot_is_closed_and_taken_up_again(
    cluster: Cluster, migrated_database: FreshDatabase, callees: Callees, damaged: bool
) -> None:
    callees.gate.clear()
    options = replace(OPTIONS, snapshot_floor=0)
    first = await cluster.replica(options, serve=False)
    key = EnvironmentValue(name="KEY", value_type="secret", secret_version=3)
    twice = chain({"type": "use"}, {"type": "huge", "size": 3_000}, {"type": "use"})
    request = await cluster.asked(twice, app_id=APP, environment=(key,))
    await first.engine.use_cases.accept.execute(request)
    await _next_call(callees)
    driver = first.engine.worker.driver_of(request.run_id)
    assert driver is not None
    await driver._cutter.closed()
    # Whoever waits goes on, whoever comes waits.
    callees.gate.set()
    callees.gate.clear()
    await _next_call(callees)
    await driver._cutter.closed()
    snapshot = await first.stores.snapshots.newest(TENANT, request.run_id)
    assert snapshot is not None
    pool = snapshot.machine.state.frames[0].pool
    assert pool is not None
    assert pool["n1"] == {"result": VALUE.upper()}
    stored = await _stored_snapshot(migrated_database, request.run_id, damaged=damaged)
    assert VALUE.encode() not in stored
    assert VALUE.upper().encode() not in stored
    found = await first.stores.snapshots.newest(TENANT, request.run_id)
    assert (found is None) == damaged

    await first.kill()
    await cluster.replica(options, serve=False)
    await _next_call(callees)
    callees.gate.set()
    view = await cluster.ended(request.run_id)
    _, before, after = callees.effects
    assert (view.status, view.epoch) == ("succeeded", 2)
    assert (before.key, before.request_hash) == (after.key, after.request_hash)


async def _next_call(callees: Callees) -> None:
    await asyncio.wait_for(callees.arrived.wait(), 10)
    callees.arrived.clear()


async def _stored_snapshot(database: FreshDatabase, run_id: UUID, *, damaged: bool) -> bytes:
    """The bytes as they lie there; `damaged` changes the last one, and returns them as before."""
    async with await create_pool(database.url) as pool, pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        stored: bytes = await connection.fetchval(
            "select bytes from engine.snapshots where run_id = $1", run_id
        )
        if damaged:
            await connection.execute(
                "update engine.snapshots set bytes = $1 where run_id = $2",
                stored[:-1] + bytes([stored[-1] ^ 1]),
                run_id,
            )
        return stored


@pytest.mark.usefixtures("callees")
async def test_the_log_of_runs_is_masked(cluster: Cluster) -> None:
    replica = await cluster.replica(replace(OPTIONS, run_log="values"), serve=False)
    request = await asked(cluster)
    with capture_logs() as lines:
        await replica.engine.use_cases.accept.execute(request)
        assert (await cluster.ended(request.run_id)).status == "succeeded"
    told = [line for line in lines if line["event"] == "run event"]
    entries = await cluster.journal(request.run_id)
    assert [line["seq"] for line in told] == [entry.seq for entry in entries]
    assert VALUE not in str(told)
    assert MASK in str(told)
