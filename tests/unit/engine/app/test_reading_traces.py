"""Pages of a long run's trace: the same as one long page, and bounded in what they hold."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from libs.common.contracts.run_queries import NodeTrace, TraceQuery
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.app.ports.journal_store import Entry
from services.engine.app.runs import trace_page
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from tests.support.engine_harness import TENANT, Cluster
from tests.support.engine_nodes import chain

_NODES = 300


@pytest.fixture(autouse=True)
def never_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_self: InMemoryJournal, _tenant: UUID, _run: UUID) -> Sequence[Entry]:
        raise AssertionError("the whole journal is read at once")

    monkeypatch.setattr(InMemoryJournal, "read", refused)


async def _ran(cluster: Cluster, definition: WorkflowDefinition) -> UUID:
    asked = await cluster.asked(definition)
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    return asked.run_id


async def _pages(cluster: Cluster, run_id: UUID, limit: int) -> list[tuple[NodeTrace, ...]]:
    read = cluster.replicas[0].engine.use_cases.read
    pages: list[tuple[NodeTrace, ...]] = []
    after, more = 0, True
    while more:
        page = await read.trace(
            TraceQuery(tenant_id=TENANT, run_id=run_id, after_seq=after, limit=limit)
        )
        pages.append(page.nodes)
        after, more = page.last_seq, page.more
    return pages


@pytest.mark.parametrize("limit", [1, 97, 301])
async def test_pages_are_the_same_as_one_long_page(cluster: Cluster, limit: int) -> None:
    nodes = 30 if limit == 1 else _NODES
    run_id = await _ran(cluster, chain(*({"type": "pass"} for _ in range(nodes))))
    (whole,) = await _pages(cluster, run_id, 1000)
    assert [node.node_id for node in whole] == [f"n{index}" for index in range(nodes + 1)]
    pages = await _pages(cluster, run_id, limit)
    assert tuple(node for page in pages for node in page) == whole
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)


async def test_a_page_ends_early_where_its_nodes_hold_much(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_page.TracePage.__init__, "__kwdefaults__", {"most_bytes": 6_000})
    run_id = await _ran(cluster, chain(*({"type": "huge", "size": 2_000} for _ in range(5))))
    pages = await _pages(cluster, run_id, 1000)
    assert [[node.node_id for node in page] for page in pages] == [
        ["n0", "n1", "n2"],
        ["n3", "n4"],
        ["n5"],
    ]
    assert all(len(node.outputs) == 1 for page in pages for node in page[-1:])


async def test_one_node_above_the_bound_is_shown_alone(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_page.TracePage.__init__, "__kwdefaults__", {"most_bytes": 1})
    run_id = await _ran(cluster, chain({"type": "huge", "size": 2_000}, {"type": "pass"}))
    pages = await _pages(cluster, run_id, 1000)
    assert [[node.node_id for node in page] for page in pages] == [["n0"], ["n1"], ["n2"]]
