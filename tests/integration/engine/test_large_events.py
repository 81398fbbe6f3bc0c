"""Events above 256 KiB lie in the object store, and their rows name them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_events import NodeFinished
from libs.common.contracts.run_queries import TraceQuery
from libs.common.database.asyncpg_pool import Pool, create_pool
from libs.common.run_seal import RunSeal
from services.engine.app.errors import JournalUnreadable
from services.engine.app.runs.keep_lease import LeasePace
from services.engine.domain.events import journal
from services.engine.infra.postgres.stored_object_collector import StoredObjectCollector
from tests.support.away_objects import Objects
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, TENANT, Cluster
from tests.support.engine_nodes import chain
from tests.support.engine_secrets import MASTER_KEY

SIZE = 300_000
LARGE = {"type": "huge", "size": SIZE}
CALL = {"type": "compute", "code": "a"}


async def _asked(cluster: Cluster, *nodes: dict[str, Any]) -> AcceptRun:
    request = await cluster.asked(chain(*nodes))
    await cluster.replicas[-1].engine.use_cases.accept.execute(request)
    return request


async def _rows(pool: Pool, run_id: UUID) -> list[bytes]:
    async with pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        found = await connection.fetch("select bytes from engine.journal where run_id = $1", run_id)
        return [row["bytes"] for row in found]


async def test_rows_name_them_and_readers_have_them(
    cluster: Cluster, objects: Objects, pool: Pool
) -> None:
    replica = await cluster.replica(serve=False)
    request = await _asked(cluster, LARGE, {"type": "pass"}, LARGE)
    assert (await cluster.ended(request.run_id)).status == "succeeded"
    rows = await _rows(pool, request.run_id)
    assert sum(map(len, rows)) < 20_000
    stored = await objects.found()
    assert len(stored) == 2
    assert all(info.key.startswith(f"journal/{TENANT}/{request.run_id}.") for info in stored)
    assert b"xxxx" not in await objects.get(stored[0].key)
    events = await cluster.events(request.run_id)
    shown = [event.outputs for event in events if isinstance(event, NodeFinished)]
    query = TraceQuery(tenant_id=TENANT, run_id=request.run_id)
    traced = (await replica.engine.use_cases.read.trace(query)).nodes
    assert shown == [node.outputs for node in traced]
    assert [len(str(outputs.get("text", ""))) for outputs in shown] == [0, SIZE, 0, SIZE]


async def test_one_of_20_mib_is_kept_and_read(
    cluster: Cluster, objects: Objects, pool: Pool
) -> None:
    # So much at once takes longer than a short lease where others want the cores too.
    await cluster.replica(replace(FAST, lease=LeasePace(lease=60.0)), serve=False)
    size = 20 * 1024 * 1024
    request = await _asked(cluster, {"type": "huge", "size": size})
    assert (await cluster.ended(request.run_id, within=60)).status == "succeeded"
    assert sum(map(len, await _rows(pool, request.run_id))) < 20_000
    events = [entry.event for entry in await cluster.journal(request.run_id)]
    ends = [event for event in events if isinstance(event, journal.NodeSucceeded)]
    assert [len(str(end.outputs.get("text", ""))) for end in ends] == [0, size]


async def test_a_takeover_folds_them(cluster: Cluster, callees: Callees, objects: Objects) -> None:
    callees.gate.clear()
    first = await cluster.replica(serve=False)
    request = await _asked(cluster, LARGE, CALL)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    objects.away = True
    await cluster.replica(serve=False)
    await asyncio.wait_for(objects.refused.wait(), 5)
    objects.away = False
    callees.gate.set()
    view = await cluster.ended(request.run_id)
    assert (view.status, len(await objects.found())) == ("succeeded", 1)


async def test_while_the_store_is_away_only_such_a_run_waits(
    cluster: Cluster, callees: Callees, objects: Objects
) -> None:
    objects.away = True
    await cluster.replica(serve=False)
    waiting = await _asked(cluster, LARGE, CALL)
    await asyncio.wait_for(objects.refused.wait(), 5)
    other = await _asked(cluster, CALL)
    assert (await cluster.ended(other.run_id)).status == "succeeded"
    # Its call stands behind what is not durable yet.
    assert (await cluster.view(waiting.run_id)).status == "running"
    assert (await cluster.events(waiting.run_id), len(callees.effects)) == ((), 1)
    objects.away = False
    assert (await cluster.ended(waiting.run_id)).status == "succeeded"
    seqs = [entry.seq for entry in await cluster.journal(waiting.run_id)]
    assert seqs == [*range(1, len(seqs) + 1)]


async def test_a_waiting_run_goes_on_elsewhere(cluster: Cluster, objects: Objects) -> None:
    objects.away = True
    first = await cluster.replica(serve=False)
    request = await _asked(cluster, LARGE)
    await asyncio.wait_for(objects.refused.wait(), 5)
    await first.kill()
    objects.away = False
    await cluster.replica(serve=False)
    assert (await cluster.ended(request.run_id)).status == "succeeded"


@pytest.mark.parametrize("damage", ["gone", "altered"])
async def test_one_that_is_lost_is_told(
    cluster: Cluster, callees: Callees, objects: Objects, damage: str
) -> None:
    callees.gate.clear()
    first = await cluster.replica(serve=False)
    request = await _asked(cluster, LARGE, CALL)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    (info,) = await objects.found()
    await objects.delete(info.key)
    if damage == "altered":
        await objects.put(info.key, b"something else")
    await cluster.replica(serve=False)
    view = await cluster.ended(request.run_id)
    assert (view.status, info.key in (view.error or "")) == ("incompatible", True)
    with pytest.raises(JournalUnreadable):
        await cluster.journal(request.run_id)


async def test_many_of_them_are_read_a_few_at_a_time(cluster: Cluster, objects: Objects) -> None:
    await cluster.replica(serve=False)
    # A call is sent behind what is durable, so each has a row of its own.
    request = await _asked(cluster, *[{"type": "huge", "size": 3_000_000}, CALL] * 4)
    await cluster.ended(request.run_id)
    reader = cluster.replicas[0].stores.reader
    place, pages = 0, 0
    while found := await reader.after(TENANT, request.run_id, place=place, rows=64):
        place, pages = found[-1].seq, pages + 1
        assert sum(len(str(getattr(entry.event, "outputs", ""))) for entry in found) < 7_000_000
    assert (place, pages >= 3) == ((await cluster.journal(request.run_id))[-1].seq, True)


async def test_what_no_journal_names_is_deleted_after_a_day(
    cluster: Cluster, objects: Objects, pool: Pool, migrated_database: FreshDatabase
) -> None:
    await cluster.replica(serve=False)
    kept, gone = await _asked(cluster, LARGE), await _asked(cluster, LARGE)
    for request in (kept, gone):
        await cluster.ended(request.run_id)
    named = {info.key for info in await objects.found() if str(kept.run_id) in info.key}
    await objects.put(f"journal/{TENANT}/{kept.run_id}.5.never-committed", b"x")
    await objects.put("journal/of/another/kind", b"x")
    async with await create_pool(migrated_database.admin_url) as admin, admin.acquire() as one:
        await one.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        await one.execute("delete from engine.journal where run_id = $1", gone.run_id)
    collector = StoredObjectCollector(pool, objects, RunSeal(MASTER_KEY))
    now = SystemClock().now()
    assert await collector.collect(now + timedelta(hours=23)) == 0
    assert await collector.collect(now + timedelta(hours=25)) == 2
    left = {info.key for info in await objects.found()}
    assert left == {*named, "journal/of/another/kind"}
