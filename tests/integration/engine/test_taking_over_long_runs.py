"""A long run is taken over from its snapshot, and from its journal where that is of no use."""

# The cluster's stores have no door of their own.
# pyright: reportPrivateUsage=false

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_queries import RunEventsQuery
from libs.common.database.asyncpg_pool import create_pool
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.ports.engine_stores import EngineStores
from services.engine.app.ports.journal_store import Entry, JournalReader
from services.engine.domain.events.journal import JournalEvent
from services.engine.infra.in_memory.engine_state import StoredSnapshot
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    FAST,
    TENANT,
    Cluster,
    in_memory_cluster,
    postgres_cluster,
)
from tests.support.engine_nodes import chain

EARLY = replace(FAST, snapshot_floor=4_000)
LONG = [{"type": "nap", "seconds": 0.001}, {"type": "huge", "size": 2_000}] * 10


class CountingReader:
    """Implements JournalReader over another. `read_on` are the events that were read, in order."""

    def __init__(self, inner: JournalReader) -> None:
        self._inner = inner
        self.read_on: list[int] = []

    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[Entry]:
        return self._noted(await self._inner.read(tenant_id, run_id))

    async def after(
        self, tenant_id: UUID, run_id: UUID, *, place: int, rows: int
    ) -> Sequence[Entry]:
        return self._noted(await self._inner.after(tenant_id, run_id, place=place, rows=rows))

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, before: int | None, rows: int
    ) -> Sequence[tuple[int, type[JournalEvent]]]:
        return await self._inner.newest(tenant_id, run_id, before=before, rows=rows)

    def _noted(self, found: Sequence[Entry]) -> Sequence[Entry]:
        self.read_on.extend(entry.seq for entry in found)
        return found


@dataclass
class World:
    """A cluster of counting replicas. `database` None: in memory."""

    cluster: Cluster
    callees: Callees
    database: FreshDatabase | None

    async def held(self, *last: dict[str, Any]) -> AcceptRun:
        """A long run, driven by the first replica up to a call that waits for the gate."""
        replica = await self.cluster.replica(EARLY, serve=False)
        held = {"type": "compute", "code": "a"}
        asked = await self.cluster.asked(chain(*LONG, held, *last))
        await replica.engine.use_cases.accept.execute(asked)
        await asyncio.wait_for(self.callees.arrived.wait(), 10)
        driver = replica.engine.worker.driver_of(asked.run_id)
        assert driver is not None
        await driver._cutter.closed()
        return asked

    async def snapshot_seq(self, asked: AcceptRun) -> int:
        found = await self.cluster.replicas[0].stores.snapshots.newest(TENANT, asked.run_id)
        assert found is not None
        assert found.seq > 3
        return found.seq

    async def taken_over(self, asked: AcceptRun) -> list[int]:
        """The first replica dies and another one drives on: the events that it read first."""
        self.callees.arrived.clear()
        await self.cluster.replicas[0].kill()
        other = await self.cluster.replica(EARLY, serve=False)
        await asyncio.wait_for(self.callees.arrived.wait(), 10)
        reader = other.stores.reader
        assert isinstance(reader, CountingReader)
        return [*reader.read_on]

    async def tamper(
        self, asked: AcceptRun, *, stored: bytes | None = None, fold_version: int | None = None
    ) -> None:
        if self.database is None:
            journal = self.cluster.replicas[0].stores.writer
            assert isinstance(journal, InMemoryJournal)
            row = journal.row_of(TENANT, asked.run_id)
            assert row.snapshot is not None
            was = row.snapshot
            row.snapshot = StoredSnapshot(
                was.epoch, was.seq, fold_version or was.fold_version, stored or was.stored
            )
            return
        async with await create_pool(self.database.url) as pool, pool.acquire() as connection:
            await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
            done = await connection.execute(
                "update engine.snapshots set bytes = coalesce($1, bytes), "
                "fold_version = coalesce($2, fold_version) where run_id = $3",
                stored,
                fold_version,
                asked.run_id,
            )
            assert done == "UPDATE 1"

    async def stored(self, asked: AcceptRun) -> dict[str, Any]:
        """The snapshot as it lies there."""
        if self.database is None:
            journal = self.cluster.replicas[0].stores.writer
            assert isinstance(journal, InMemoryJournal)
            kept = journal.row_of(TENANT, asked.run_id).snapshot
            assert kept is not None
            return json.loads(kept.stored)
        async with await create_pool(self.database.url) as pool, pool.acquire() as connection:
            await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
            return json.loads(
                await connection.fetchval(
                    "select bytes from engine.snapshots where run_id = $1", asked.run_id
                )
            )


def _counting(cluster: Cluster) -> None:
    real = cluster._stores_of

    def stores_of(worker_id: UUID) -> tuple[EngineStores, Coroutine[Any, Any, None]]:
        stores, writing = real(worker_id)
        return replace(stores, reader=CountingReader(stores.reader)), writing

    cluster._stores_of = stores_of


@pytest.fixture(params=["memory", "postgres"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    bus = InMemoryBus(clock=SystemClock())
    callees = Callees()
    callees.gate.clear()
    await callees.serve(bus)
    database: FreshDatabase | None = None
    if request.param == "postgres":
        database = request.getfixturevalue("migrated_database")
    over = in_memory_cluster(bus) if database is None else postgres_cluster(database, bus)
    async with over as cluster:
        _counting(cluster)
        yield World(cluster, callees, database)
    await bus.close()


async def _ends_well(world: World, asked: AcceptRun) -> None:
    """As if nobody had died: every node once, no gap, and nothing is left over."""
    world.callees.gate.set()
    view = await world.cluster.ended(asked.run_id)
    assert (view.status, view.error, view.epoch) == ("succeeded", None, 2)
    entries = await world.cluster.journal(asked.run_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    events = await world.cluster.events(asked.run_id)
    assert [event.prev for event in events] == [0, *(event.seq for event in events[:-1])]
    ended = [event.node_id for event in events if event.kind == "node_finished"]
    assert ended == [f"n{place}" for place in range(len(LONG) + 2)]
    assert view.total_steps == len(LONG) + 2
    snapshots = world.cluster.replicas[0].stores.snapshots
    assert await snapshots.newest(TENANT, asked.run_id) is None


async def test_only_what_came_after_the_snapshot_is_read(world: World) -> None:
    asked = await world.held()
    seq = await world.snapshot_seq(asked)
    length = len(await world.cluster.journal(asked.run_id))
    assert await world.taken_over(asked) == list(range(seq + 1, length + 1))
    await _ends_well(world, asked)


async def test_one_of_another_fold_version_is_left_alone(world: World) -> None:
    asked = await world.held()
    await world.snapshot_seq(asked)
    await world.tamper(asked, fold_version=999)
    length = len(await world.cluster.journal(asked.run_id))
    assert await world.taken_over(asked) == list(range(1, length + 1))
    await _ends_well(world, asked)


async def test_one_that_was_damaged_is_left_alone(world: World) -> None:
    asked = await world.held()
    await world.snapshot_seq(asked)
    await world.tamper(asked, stored=b'{"seq": 1')
    length = len(await world.cluster.journal(asked.run_id))
    assert await world.taken_over(asked) == list(range(1, length + 1))
    await _ends_well(world, asked)


async def test_one_that_leads_nowhere_is_left_alone(world: World) -> None:
    asked = await world.held()
    seq = await world.snapshot_seq(asked)
    stored = await world.stored(asked)
    unknown = {"frame": "", "node": 9_999, "position": 0, "began": 0}
    stored["machine"]["state"]["coordinator"]["waiting"] = [unknown]
    await world.tamper(asked, stored=json.dumps(stored).encode())
    length = len(await world.cluster.journal(asked.run_id))
    tried = list(range(seq + 1, length + 1))
    assert await world.taken_over(asked) == [*tried, *range(1, length + 1)]
    await _ends_well(world, asked)


async def test_a_step_that_cannot_be_written_fails_the_run_from_its_snapshot(world: World) -> None:
    asked = await world.held({"type": "unwritable"})
    seq = await world.snapshot_seq(asked)
    world.callees.gate.set()
    view = await world.cluster.ended(asked.run_id)
    assert (view.status, view.epoch) == ("failed", 1)
    reader = world.cluster.replicas[0].stores.reader
    assert isinstance(reader, CountingReader)
    assert min(reader.read_on, default=seq + 1) == seq + 1
    entries = await world.cluster.journal(asked.run_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    events = await world.cluster.events(asked.run_id)
    assert [event.prev for event in events] == [0, *(event.seq for event in events[:-1])]


async def test_a_page_begins_at_the_snapshot_below_it(world: World) -> None:
    asked = await world.held()
    seq = await world.snapshot_seq(asked)
    whole = await world.cluster.events(asked.run_id)
    other = await world.cluster.replica(EARLY, serve=False)
    reader = other.stores.reader
    assert isinstance(reader, CountingReader)
    for after_seq in (seq - 1, whole[-3].seq):
        reader.read_on.clear()
        query = RunEventsQuery(tenant_id=TENANT, run_id=asked.run_id, after_seq=after_seq)
        page = await other.engine.use_cases.read.events(query)
        assert page.events == tuple(event for event in whole if event.seq > after_seq)
        assert (min(reader.read_on) == seq + 1) == (after_seq >= seq)
