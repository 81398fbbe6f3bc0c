"""Runs and nodes as spans: made from what was committed, one trace whoever owns the run."""

import asyncio
from collections.abc import Iterator

import pytest

from libs.common.exported_spans import ExportedSpans
from libs.common.tracing import Span, collect_into
from services.engine.app.observing.observed_run import observed_run
from services.engine.app.ports.run_store import Claim
from services.engine.bootstrap import engine_layers
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, Cluster
from tests.support.engine_nodes import chain
from tests.support.otlp_receiver import receiving

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
UNSAMPLED = f"{TRACEPARENT[:-2]}00"
_ID = slice(36, 52)
_SAID = "swordfish"


class _Kept:
    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._added = asyncio.Event()

    def add(self, span: Span) -> None:
        self.spans.append(span)
        self._added.set()

    async def named(self, name: str, count: int) -> list[Span]:
        """So many of them; a run has ended for its readers a moment before its spans have."""
        async with asyncio.timeout(10):
            while len(found := [span for span in self.spans if span.name == name]) < count:
                self._added.clear()
                await self._added.wait()
        assert len(found) == count
        return found

    async def one(self, name: str) -> Span:
        (found,) = await self.named(name, 1)
        return found


@pytest.fixture
def kept() -> Iterator[_Kept]:
    sink = _Kept()
    collect_into(sink)
    yield sink
    collect_into(None)


async def test_a_run_is_a_tree_below_the_request_that_accepted_it(
    cluster: Cluster, callees: Callees, kept: _Kept
) -> None:
    callees.thought = _SAID
    asked = await cluster.asked(
        chain({"type": "compute", "code": _SAID}, {"type": "pass"}),
        traceparent=TRACEPARENT,
        inputs={"question": _SAID},
    )
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    run, effect = await kept.one("run"), await kept.one("effect code")
    computing = await kept.one("node compute")
    assert {span.traceparent[3:35] for span in kept.spans} == {TRACEPARENT[3:35]}
    assert run.parent_id == TRACEPARENT[_ID]
    assert computing.parent_id == run.traceparent[_ID]
    assert effect.parent_id == computing.traceparent[_ID]
    assert len([span for span in kept.spans if span.name.startswith("node ")]) == 3
    assert run.begun <= computing.begun <= effect.begun <= effect.ended
    # The journal's instants are whole microseconds.
    assert effect.ended <= run.ended + 1_000
    assert run.attributes["heddle.run.id"] == str(asked.run_id)
    assert run.attributes["heddle.run.status"] == "succeeded"
    assert effect.attributes["heddle.effect.outcome"] == "completed"
    assert _SAID not in repr(kept.spans)


async def test_a_takeover_goes_on_in_the_same_trace(
    cluster: Cluster, callees: Callees, kept: _Kept
) -> None:
    callees.gate.clear()
    asked = await cluster.asked(
        chain({"type": "pass"}, {"type": "compute", "code": "a"}), traceparent=TRACEPARENT
    )
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await callees.arrived.wait()
    await cluster.replicas[0].kill()
    await cluster.replicas[0].expire()
    await cluster.replica()
    callees.gate.set()
    view = await cluster.ended(asked.run_id)
    run, computing = await kept.one("run"), await kept.one("node compute")
    assert (view.status, run.attributes["heddle.run.takeovers"]) == ("succeeded", 1)
    # What the first worker committed is told by the first, under the run that the second ends.
    assert (await kept.one("node pass")).parent_id == run.traceparent[_ID]
    assert computing.parent_id == run.traceparent[_ID]
    assert computing.begun < computing.ended
    for effect in await kept.named("effect code", 2):
        assert effect.parent_id == computing.traceparent[_ID]
    assert {span.traceparent[3:35] for span in kept.spans} == {TRACEPARENT[3:35]}


@pytest.mark.parametrize("traceparent", [UNSAMPLED, None, "nonsense"])
async def test_runs_that_nobody_traces_have_no_spans(
    cluster: Cluster, kept: _Kept, traceparent: str | None
) -> None:
    asked = await cluster.asked(chain({"type": "pass"}), traceparent=traceparent)
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    assert (await cluster.ended(asked.run_id)).status == "succeeded"
    assert kept.spans == []


@pytest.mark.usefixtures("kept")
async def test_without_a_collector_nobody_listens_to_a_run(cluster: Cluster) -> None:
    asked = await cluster.asked(chain({"type": "pass"}), traceparent=TRACEPARENT)
    run = observed_run(Claim(epoch=1, request=asked, accepted_at=0.0), {}, None)
    layers = engine_layers(FAST)
    assert layers.listeners(run) is not None
    collect_into(None)
    assert layers.listeners(run) is None


async def test_a_collector_that_is_away_does_not_touch_a_run(cluster: Cluster) -> None:
    with receiving() as gone:
        endpoint = gone.endpoint
    spans = ExportedSpans("engine", endpoint)
    collect_into(spans)
    try:
        asked = await cluster.asked(
            chain(*({"type": "pass"} for _ in range(200))), traceparent=TRACEPARENT
        )
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        assert (await cluster.ended(asked.run_id)).status == "succeeded"
    finally:
        collect_into(None)
        await asyncio.to_thread(spans.close)
