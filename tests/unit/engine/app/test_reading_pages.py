"""Pages of a long run's events: the same as one long page, and each begins where the last ended."""

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

import pytest

from libs.common.contracts.run_events import CommittedEvent
from libs.common.contracts.run_queries import RunEventsQuery
from services.engine.app.ports.journal_store import Entry
from services.engine.app.runs.public_page import MOST_BYTES
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from tests.support.engine_harness import TENANT, Cluster
from tests.support.engine_nodes import chain

_NODES = 300


@pytest.fixture
def asked_from(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The places that the journal was read on from."""
    places: list[int] = []
    real = InMemoryJournal.after

    async def noted(
        self: InMemoryJournal, tenant_id: UUID, run_id: UUID, *, place: int, rows: int
    ) -> Sequence[Entry]:
        places.append(place)
        return await real(self, tenant_id, run_id, place=place, rows=rows)

    monkeypatch.setattr(InMemoryJournal, "after", noted)
    return places


async def _long_run(cluster: Cluster) -> UUID:
    asked = await cluster.asked(chain(*({"type": "pass"} for _ in range(_NODES))))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    return asked.run_id


async def _pages(cluster: Cluster, run_id: UUID, limit: int) -> list[CommittedEvent]:
    read = cluster.replicas[0].engine.use_cases.read
    found: list[CommittedEvent] = []
    more = True
    while more:
        after = found[-1].seq if found else 0
        page = await read.events(
            RunEventsQuery(tenant_id=TENANT, run_id=run_id, after_seq=after, limit=limit)
        )
        assert len(page.events) <= limit
        found.extend(page.events)
        more = page.more
    return found


@pytest.mark.parametrize("limit", [97, 250, 5000])
async def test_pages_are_the_same_as_one_long_page(cluster: Cluster, limit: int) -> None:
    run_id = await _long_run(cluster)
    whole = await cluster.events(run_id)
    assert len(whole) > 2 * _NODES
    assert tuple(await _pages(cluster, run_id, limit)) == whole


async def test_the_next_page_begins_where_the_last_ended(
    cluster: Cluster, asked_from: list[int]
) -> None:
    run_id = await _long_run(cluster)
    read = cluster.replicas[0].engine.use_cases.read
    first = await read.events(RunEventsQuery(tenant_id=TENANT, run_id=run_id, limit=400))
    assert first.more
    asked_from.clear()
    last = first.events[-1].seq
    await read.events(RunEventsQuery(tenant_id=TENANT, run_id=run_id, after_seq=last, limit=10))
    assert asked_from[0] == last


async def test_large_events_make_short_pages(cluster: Cluster) -> None:
    """Two events of a node hold what it brought: no page goes on behind 8 MiB of them."""
    size = 3 * 1024 * 1024
    asked = await cluster.asked(chain(*({"type": "huge", "size": size} for _ in range(8))))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    read = cluster.replicas[0].engine.use_cases.read
    pages: list[tuple[CommittedEvent, ...]] = []
    after = 0
    while True:
        page = await read.events(
            RunEventsQuery(tenant_id=TENANT, run_id=asked.run_id, after_seq=after, limit=5000)
        )
        pages.append(page.events)
        after = page.events[-1].seq
        if not page.more:
            break
    sizes = [sum(len(event.model_dump_json()) for event in events) for events in pages]
    assert len(pages) >= 3
    assert max(sizes) < MOST_BYTES + size + 10_000
    found = [event for events in pages for event in events]
    assert found[-1].kind == "run_finished"
    assert all(event.prev == before.seq for before, event in pairwise(found))
