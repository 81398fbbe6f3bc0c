"""A step above the journal's bound, or with what it cannot hold, ends its run; many steps that add
up to more than the bound do not."""

from collections.abc import AsyncIterator

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts import run_events as public
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.domain.events import journal
from services.engine.infra import journal_codec
from tests.support.engine_harness import Cluster, in_memory_cluster
from tests.support.engine_nodes import chain

_BOUND = 20_000


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def nap(request: pytest.FixtureRequest) -> list[dict[str, object]]:
    """Nodes that make a commit before what follows, or none."""
    return [{"type": "nap", "seconds": 0.01}] if request.param else []


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    monkeypatch.setattr(journal_codec, "MAX_ROW_BYTES", _BOUND)
    bus = InMemoryBus(clock=SystemClock())
    async with in_memory_cluster(bus) as made:
        await made.replica()
        yield made
    await bus.close()


async def test_one_step_above_the_bound_fails_the_run_and_names_the_node(
    cluster: Cluster, nap: list[dict[str, object]]
) -> None:
    asked = await cluster.asked(chain(*nap, {"type": "huge", "size": _BOUND}, {"type": "pass"}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    view = await cluster.ended(asked.run_id)
    huge = f"n{1 + len(nap)}"
    assert view.status == "failed"
    assert view.error is not None
    assert view.error.startswith(f"Node '{huge}' brought 0.0 MB in one step")
    entries = await cluster.journal(asked.run_id)
    assert isinstance(entries[-1].event, journal.RunFinished)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    events = await cluster.events(asked.run_id)
    assert [event.prev for event in events] == [0, *(event.seq for event in events[:-1])]
    assert isinstance(events[-1], public.RunFinished)


async def test_what_cannot_be_written_fails_its_run_alone_and_names_the_node(
    cluster: Cluster, nap: list[dict[str, object]]
) -> None:
    accept = cluster.replicas[0].engine.use_cases.accept
    bad = await cluster.asked(chain(*nap, {"type": "unwritable"}, {"type": "pass"}))
    good = await cluster.asked(chain(*nap, {"type": "nap", "seconds": 0.02}))
    await accept.execute(bad)
    await accept.execute(good)
    assert (await cluster.ended(good.run_id)).status == "succeeded"
    view = await cluster.ended(bad.run_id)
    half = f"Node 'n{1 + len(nap)}' brought text with half a surrogate pair"
    assert (view.status, (view.error or "")[: len(half)]) == ("failed", half)
    assert isinstance((await cluster.journal(bad.run_id))[-1].event, journal.RunFinished)
    assert isinstance((await cluster.events(bad.run_id))[-1], public.RunFinished)


async def test_many_steps_that_add_up_to_more_are_several_rows(
    cluster: Cluster, nap: list[dict[str, object]]
) -> None:
    nodes = [{"type": "huge", "size": _BOUND - 1_000}] * 5
    asked = await cluster.asked(chain(*nap, *nodes))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    view = await cluster.ended(asked.run_id)
    assert (view.status, view.error) == ("succeeded", None)
    entries = await cluster.journal(asked.run_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    done = [entry for entry in entries if isinstance(entry.event, journal.NodeSucceeded)]
    assert len(done) == 1 + len(nap) + len(nodes)
