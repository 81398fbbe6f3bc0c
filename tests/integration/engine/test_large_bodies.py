"""Requests, outcomes and snapshots above 256 KiB lie in the object store; their rows say where."""

# A driver's snapshots have no door of their own.
# pyright: reportPrivateUsage=false

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AcceptRun, RunEnded
from libs.common.contracts.subjects import RUN_ENDED
from libs.common.database.asyncpg_pool import Pool, create_pool
from libs.common.database.outbox_relay import OutboxRelay
from libs.common.database.outbox_rows import OutboxRows
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.run_seal import RunSeal
from services.engine.app.errors import JournalUnreadable
from services.engine.app.runs.keep_lease import LeasePace
from services.engine.infra.postgres.stored_bodies import StoredBodies
from services.engine.infra.postgres.stored_object_collector import StoredObjectCollector
from tests.support.away_objects import Objects
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, TENANT, Cluster, with_worker
from tests.support.engine_nodes import chain
from tests.support.engine_secrets import MASTER_KEY

SIZE = 300_000
LARGEST = 15 * 1024 * 1024
"""An end's event holds what it shows twice, and takes 32 MiB."""
# So much at once takes longer than a short lease where others want the cores too.
UNHURRIED = replace(FAST, lease=LeasePace(lease=60.0), snapshot_floor=10**9)
INPUTS: dict[str, Any] = {"text": "y" * SIZE}
CALL = {"type": "compute", "code": "a"}
END = {"type": "end", "outputs": [{"variable": "text", "value_selector": ["n1", "text"]}]}


def _huge(size: int = SIZE) -> dict[str, Any]:
    return {"type": "huge", "size": size}


async def _asked(cluster: Cluster, *nodes: dict[str, Any], **more: Any) -> AcceptRun:
    request = await cluster.asked(chain(*nodes), **more)
    await cluster.replicas[-1].engine.use_cases.accept.execute(request)
    return request


async def _columns(pool: Pool, run_id: UUID) -> dict[str, bytes | None]:
    async with pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        found = await connection.fetchrow(
            "select r.request, r.outcome, s.bytes as snapshot from engine.runs r left join "
            "engine.snapshots s on s.run_id = r.run_id where r.run_id = $1",
            run_id,
        )
    assert found is not None
    return dict(found)


async def _kinds(objects: Objects) -> list[str]:
    """What lies beside the runs' rows."""
    return [each.key.split(".")[-2] for each in await objects.found() if each.key[:5] == "runs/"]


@pytest.mark.parametrize("size", [SIZE, LARGEST])
async def test_rows_say_where_they_lie_and_readers_have_them(
    cluster: Cluster, objects: Objects, pool: Pool, size: int
) -> None:
    await cluster.replica(UNHURRIED, serve=False)
    request = await _asked(cluster, _huge(size), END, inputs={"text": "y" * size})
    view = await cluster.ended(request.run_id, within=60)
    assert (view.status, len(str(view.outputs["text"]))) == ("succeeded", size)
    columns = await _columns(pool, request.run_id)
    assert all(len(columns[name] or b"") < 1_000 for name in ("request", "outcome"))
    assert sorted(await _kinds(objects)) == ["outcome", "request"]
    for info in await objects.found():
        assert b"xxxx" not in (stored := await objects.get(info.key))
        assert b"yyyy" not in stored


async def test_small_ones_stand_in_their_rows(
    cluster: Cluster, objects: Objects, pool: Pool
) -> None:
    await cluster.replica(serve=False)
    request = await _asked(cluster, _huge(100), END, inputs={"text": "z" * 100})
    await cluster.ended(request.run_id)
    columns = await _columns(pool, request.run_id)
    assert b"zzzz" in (columns["request"] or b"")
    assert b"xxxx" in (columns["outcome"] or b"")
    assert await objects.found() == []


async def test_the_fact_of_an_end_is_sent_whole(
    cluster: Cluster,
    objects: Objects,
    pool: Pool,
    bus: InMemoryBus,
    migrated_database: FreshDatabase,
) -> None:
    told: asyncio.Future[RunEnded] = asyncio.get_running_loop().create_future()

    async def hear(fact: RunEnded, _envelope: Envelope) -> None:
        told.set_result(fact)

    await bus.consume(RUN_ENDED, hear, durable="test")
    await cluster.replica(serve=False)
    request = await _asked(cluster, _huge(), END)
    await cluster.ended(request.run_id)
    async with await create_pool(migrated_database.sweeper_url) as sweeper:
        relay = OutboxRelay(
            OutboxRows(pool, sweeper, "engine"),
            bus,
            [RUN_ENDED],
            clock=SystemClock(),
            whole=StoredBodies(objects).whole,
        )
        assert await relay.send_waiting({TENANT}) == 1
    fact = await asyncio.wait_for(told, 5)
    assert (fact.run_id, len(str(fact.outputs["text"]))) == (request.run_id, SIZE)


async def test_an_end_between_upload_and_commit_is_made_again(
    cluster: Cluster, objects: Objects
) -> None:
    first = await cluster.replica(serve=False)
    objects.away = True
    request = await _asked(cluster, _huge(), END)
    await asyncio.wait_for(objects.refused.wait(), 5)
    await first.kill()
    objects.away = False
    await cluster.replica(serve=False)
    view = await cluster.ended(request.run_id)
    assert (view.status, len(str(view.outputs["text"]))) == ("succeeded", SIZE)


async def test_a_run_whose_request_cannot_be_fetched_waits(
    cluster: Cluster, callees: Callees, objects: Objects
) -> None:
    callees.gate.clear()
    first = await cluster.replica(serve=False)
    request = await _asked(cluster, CALL, inputs=INPUTS)
    small = await _asked(cluster, CALL)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    callees.gate.set()
    objects.away = True
    objects.refused.clear()
    await cluster.replica(serve=False)
    await asyncio.wait_for(objects.refused.wait(), 5)
    assert (await cluster.ended(small.run_id)).status == "succeeded"
    assert (await cluster.view(request.run_id)).status == "running"
    objects.away = False
    assert (await cluster.ended(request.run_id)).status == "succeeded"


async def test_a_queued_run_whose_request_is_lost_is_set_aside(
    cluster: Cluster, objects: Objects
) -> None:
    full = with_worker(capacity=0)
    await cluster.replica(full, serve=False)
    request = await _asked(cluster, CALL, inputs=INPUTS)
    small = await _asked(cluster, CALL)
    (info,) = await objects.found()
    await objects.delete(info.key)
    await cluster.replica(serve=False)
    view = await cluster.ended(request.run_id)
    assert view.status == "incompatible"
    assert all(part in (view.error or "") for part in (info.key, "Restore", "resume"))
    assert (await cluster.ended(small.run_id)).status == "succeeded"


async def test_an_outcome_that_is_lost_is_told(cluster: Cluster, objects: Objects) -> None:
    await cluster.replica(serve=False)
    request = await _asked(cluster, _huge(), END)
    await cluster.ended(request.run_id)
    (key,) = [each.key for each in await objects.found() if ".outcome." in each.key]
    await objects.delete(key)
    with pytest.raises(JournalUnreadable, match=key):
        await cluster.view(request.run_id)


@pytest.mark.parametrize("lost", [False, True])
async def test_a_snapshot_is_folded_from_there_or_done_without(
    cluster: Cluster, callees: Callees, objects: Objects, pool: Pool, lost: bool
) -> None:
    callees.gate.clear()
    early = replace(FAST, snapshot_floor=1)
    first = await cluster.replica(early, serve=False)
    nap = {"type": "nap", "seconds": 0.001}
    request = await _asked(cluster, _huge(), nap, _huge(), nap, CALL)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    driver = first.engine.worker.driver_of(request.run_id)
    assert driver is not None
    await driver._cutter.closed()
    snapshot = (await _columns(pool, request.run_id))["snapshot"]
    assert snapshot is not None
    assert len(snapshot) < 1_000
    await first.kill()
    if lost:
        for info in await objects.found():
            if ".snapshot." in info.key:
                await objects.delete(info.key)
    found = await cluster.replicas[0].stores.snapshots.newest(TENANT, request.run_id)
    assert (found is None) == lost
    await cluster.replica(early, serve=False)
    callees.gate.set()
    assert (await cluster.ended(request.run_id)).status == "succeeded"


async def test_what_no_row_names_is_deleted_after_a_day(
    cluster: Cluster, objects: Objects, pool: Pool
) -> None:
    await cluster.replica(serve=False)
    request = await _asked(cluster, _huge(), END, inputs=INPUTS)
    await cluster.ended(request.run_id)
    named = {info.key for info in await objects.found()}
    assert sorted(await _kinds(objects)) == ["outcome", "request"]
    run, nobody = f"runs/{TENANT}/{request.run_id}", f"runs/{TENANT}/{UUID(int=1)}"
    unnamed = {f"{run}.{what}.other" for what in ("request", "outcome", "snapshot")}
    unnamed.add(f"{nobody}.request.other")
    for key in {*unnamed, "runs/of/another"}:
        await objects.put(key, b"x")
    collector = StoredObjectCollector(pool, objects, RunSeal(MASTER_KEY))
    now = SystemClock().now()
    assert await collector.collect(now + timedelta(hours=23)) == 0
    assert await collector.collect(now + timedelta(hours=25)) == len(unnamed)
    assert {info.key for info in await objects.found()} == {*named, "runs/of/another"}
