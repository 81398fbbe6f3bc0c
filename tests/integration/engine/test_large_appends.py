"""What is too large for one row of a real journal."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.common.clock import SystemClock
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.ports.journal_store import Entry
from services.engine.infra import journal_codec
from services.engine.infra.postgres import journal_reader
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT, Cluster, postgres_cluster
from tests.support.engine_nodes import chain

_BOUND = 20_000


@pytest.fixture
async def cluster(
    migrated_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Cluster]:
    monkeypatch.setattr(journal_codec, "MAX_ROW_BYTES", _BOUND)
    bus = InMemoryBus(clock=SystemClock())
    async with postgres_cluster(migrated_database, bus) as made:
        await made.replica()
        yield made
    await bus.close()


async def test_several_rows_are_committed_with_their_end_and_read_back(cluster: Cluster) -> None:
    large = await cluster.asked(chain(*[{"type": "huge", "size": _BOUND - 1_000}] * 5))
    small = await cluster.asked(chain({"type": "pass"}))
    accept = cluster.replicas[0].engine.use_cases.accept
    await asyncio.gather(accept.execute(large), accept.execute(small))
    for asked in (large, small):
        view = await cluster.ended(asked.run_id)
        assert (view.status, view.error) == ("succeeded", None)
        entries = await cluster.journal(asked.run_id)
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))


async def test_reading_on_stops_behind_what_is_large(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_reader, "_BYTES_AT_ONCE", _BOUND)
    monkeypatch.setattr(journal_reader, "_DECODED_HERE", _BOUND)
    asked = await cluster.asked(chain(*[{"type": "huge", "size": _BOUND - 1_000}] * 5))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    reader, whole = cluster.replicas[0].stores.reader, await cluster.journal(asked.run_id)
    read: list[Entry] = []
    pages = 0
    while found := await reader.after(
        TENANT, asked.run_id, place=read[-1].seq if read else 0, rows=64
    ):
        read.extend(found)
        pages += 1
    assert (read, pages) == (whole, 3)


async def test_one_step_above_the_bound_fails_its_run_alone(cluster: Cluster) -> None:
    large = await cluster.asked(chain({"type": "huge", "size": _BOUND}))
    small = await cluster.asked(chain({"type": "nap", "seconds": 0.01}))
    accept = cluster.replicas[0].engine.use_cases.accept
    await asyncio.gather(accept.execute(large), accept.execute(small))
    assert (await cluster.ended(small.run_id)).status == "succeeded"
    view = await cluster.ended(large.run_id)
    assert view.status == "failed"
    assert (view.error or "").startswith("Node 'n1' brought")
