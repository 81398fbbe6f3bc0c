"""Observers hear what was committed, once; they can order, and they can fail without harm."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import pytest

from libs.common.contracts.run_limits import RunLimits
from libs.common.identifiers import uuid7
from services.engine.app.observing.layer_failures import noted_failures
from services.engine.domain.events import journal
from services.engine.domain.layers.layer import (
    FailRun,
    Listener,
    ObservedRun,
    Order,
    RunView,
    StopRun,
)
from services.engine.domain.layers.layer_stack import LayerStack
from services.engine.domain.variables.secret_mask import SecretMask
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster, in_memory_cluster
from tests.support.engine_nodes import chain

Says = Callable[[int, journal.JournalEvent], Order | None]


@dataclass
class _Observer:
    """Notes what it hears, and answers what `says` has for it."""

    says: Says = lambda _seq, _event: None
    hears: Collection[type[journal.JournalEvent]] = journal.EVENT_TYPES
    heard: list[tuple[int, journal.JournalEvent]] = field(
        default_factory=list[tuple[int, journal.JournalEvent]]
    )
    name: str = "watcher"

    def listener(self, run: ObservedRun) -> Listener | None:
        return self

    def hear(self, seq: int, event: journal.JournalEvent, run: RunView) -> Order | None:
        self.heard.append((seq, event))
        return self.says(seq, event)


def _stack(*observers: Any, failed: list[str] | None = None) -> LayerStack:
    counted: list[str] = [] if failed is None else failed
    return LayerStack((), observers, noted_failures(counted.append))


async def _ran(bus: Any, layers: LayerStack, *nodes: dict[str, Any]) -> tuple[Cluster, Any]:
    async with in_memory_cluster(bus) as cluster:
        cluster.layers = layers
        await cluster.replica()
        asked = await cluster.asked(chain(*nodes))
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        view = await cluster.ended(asked.run_id)
        return cluster, (view, await cluster.journal(asked.run_id))


@pytest.mark.usefixtures("callees")
async def test_an_observer_hears_the_journal_in_order(bus: Any) -> None:
    watcher = _Observer()
    _, (view, entries) = await _ran(
        bus, _stack(watcher), {"type": "pass"}, {"type": "compute", "code": "a"}
    )
    assert view.status == "succeeded"
    assert watcher.heard == [(entry.seq, entry.event) for entry in entries]


async def test_an_observer_hears_only_the_kinds_it_names(bus: Any) -> None:
    watcher = _Observer(hears=(journal.NodeFailed, journal.RunFinished))
    await _ran(bus, _stack(watcher), {"type": "pass"})
    assert [type(event) for _, event in watcher.heard] == [journal.RunFinished]


async def test_an_observer_that_raises_is_counted_logged_and_heard_no_more(
    bus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_seq: int, _event: journal.JournalEvent) -> Order | None:
        raise LookupError("lost its notes")

    failed: list[str] = []
    broken_one, other = _Observer(broken, name="broken"), _Observer()
    with caplog.at_level(logging.ERROR):
        _, (view, entries) = await _ran(
            bus, _stack(broken_one, other, failed=failed), {"type": "pass"}
        )
    assert view.status == "succeeded"
    assert (failed, len(broken_one.heard), len(other.heard)) == (["broken"], 1, len(entries))
    assert "layer broken failed on run" in caplog.text


async def test_an_observer_that_cannot_even_begin_is_left_out(bus: Any) -> None:
    class Unborn(_Observer):
        def listener(self, run: ObservedRun) -> Listener | None:
            raise LookupError("no notes")

    failed: list[str] = []
    _, (view, _entries) = await _ran(bus, _stack(Unborn(), failed=failed), {"type": "pass"})
    assert (view.status, failed) == ("succeeded", ["watcher"])


def test_what_a_layer_raised_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    run = ObservedRun(
        tenant_id=TENANT,
        run_id=uuid7(),
        app_id=uuid7(),
        workflow_hash="",
        scope="",
        epoch=1,
        takeovers=0,
        traceparent=None,
        labels={},
        mask=SecretMask(["swordfish"]),
    )
    try:
        raise LookupError("no swordfish here")
    except LookupError as error:
        noted_failures(lambda _: None)("watcher", run, error)
    assert "layer watcher failed" in caplog.text
    assert "swordfish" not in caplog.text


def _when_done(node_id: str, order: Order) -> Says:
    def says(_seq: int, event: journal.JournalEvent) -> Order | None:
        done = isinstance(event, journal.NodeSucceeded) and event.node_id == node_id
        return order if done else None

    return says


@pytest.mark.parametrize(
    ("order", "status"),
    [(FailRun(error="too slow"), "failed"), (StopRun(reason="too slow"), "stopped")],
)
@pytest.mark.usefixtures("callees")
async def test_an_order_ends_the_run_and_stands_in_its_journal(
    bus: Any, order: Order, status: str
) -> None:
    watcher = _Observer(_when_done("n1", order))
    _, (view, entries) = await _ran(
        bus, _stack(watcher), {"type": "compute", "code": "a"}, {"type": "nap", "seconds": 30}
    )
    end = entries[-1].event
    assert isinstance(end, journal.RunFinished)
    assert (view.status, end.status, end.error) == (status, status, "too slow")


@pytest.mark.usefixtures("callees")
async def test_a_takeover_tells_an_observer_what_is_new_alone(bus: Any, callees: Callees) -> None:
    watcher = _Observer()
    callees.gate.clear()
    async with in_memory_cluster(bus) as cluster:
        cluster.layers = _stack(watcher)
        await cluster.replica()
        asked = await cluster.asked(chain({"type": "pass"}, {"type": "compute", "code": "a"}))
        await cluster.replicas[0].engine.use_cases.accept.execute(asked)
        await callees.arrived.wait()
        await cluster.replicas[0].kill()
        await cluster.replicas[0].expire()
        await cluster.replica()
        callees.gate.set()
        await cluster.ended(asked.run_id)
        entries = await cluster.journal(asked.run_id)
    assert watcher.heard == [(entry.seq, entry.event) for entry in entries]


async def test_a_run_keeps_to_the_budget_it_was_accepted_with(
    cluster: Cluster, callees: Callees
) -> None:
    callees.tokens = 60
    ask = {"type": "ask", "prompt": "say"}
    asked = await cluster.asked(chain(ask, ask, ask), limits=RunLimits(max_tokens=100))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    view = await cluster.ended(asked.run_id)
    assert (view.status, len(callees.effects)) == ("failed", 2)
    assert view.error == (
        "Token budget used up: node 'n3' asked for a model call when 120 of 100 tokens were used"
    )


async def test_a_successor_knows_what_was_used(cluster: Cluster, callees: Callees) -> None:
    callees.tokens = 60
    ask = {"type": "ask", "prompt": "say"}
    graph = chain(ask, {"type": "compute", "code": "a"}, ask, ask)
    asked = await cluster.asked(graph, limits=RunLimits(max_tokens=100))
    callees.gate.clear()
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await callees.arrived.wait()
    await cluster.replicas[0].kill()
    await cluster.replicas[0].expire()
    await cluster.replica()
    callees.gate.set()
    view = await cluster.ended(asked.run_id)
    assert "node 'n4' asked for a model call" in str(view.error)
