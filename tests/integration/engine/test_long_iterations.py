"""An iteration over many items: it goes on in steps, and a crash does little of it again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_limits import RunLimits
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.runs.keep_lease import LeasePace
from services.engine.domain.events import journal
from services.engine.domain.execution.run_advance import STEP_EVENTS
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    NodeType,
)
from services.engine.domain.nodes.catalogue import CATALOGUE
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, Cluster, Replica, postgres_cluster
from tests.support.engine_nodes import TEST_CATALOGUE, PlainNode

STEPS_AHEAD = 4
EVENTS_AN_ITEM = 4
LIMITS = RunLimits(max_steps=50_000)


class _Items(PlainNode):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        return NodeResult(outputs={"items": list(range(int(self.data["count"])))})
        yield  # a generator all the same


@dataclass
class Body:
    """What lies in the iteration: `seen` are the items as they were worked on; `reached` is told
    of the item `held`."""

    seen: list[int]
    held: int = -1
    reached: Callable[[], None] = lambda: None

    def node(self, node_id: str, data: Any) -> PlainNode:
        return _Seen(node_id, {**data, "body": self})


class _Seen(PlainNode):
    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        body: Body = self.data["body"]
        item = context.variables.get(("each", "item"))
        assert isinstance(item, int)
        body.seen.append(item)
        if item == body.held:
            body.reached()
        return NodeResult(outputs={"text": "x"})
        yield  # a generator all the same


class CountedCallees(Callees):
    """From the call numbered `held` on nothing is answered while the gate is closed."""

    held = 0

    async def _code(self, call: CodeCall, envelope: Envelope) -> CodeResult:
        self._noted(envelope)
        if len(self.effects) >= self.held:
            await self.gate.wait()
        return CodeResult(status="ok", result=call.code)


@pytest.fixture
def body() -> Body:
    return Body([])


async def _replica(cluster: Cluster, body: Body) -> Replica:
    names = ("iteration", "iteration-start")
    catalogue = {
        **TEST_CATALOGUE,
        **{name: CATALOGUE[name] for name in names},
        "items": NodeType(type="items", execution="executable", parse=_Items),
        "seen": NodeType(type="seen", execution="executable", parse=body.node),
    }
    options = replace(FAST, catalogue=catalogue, lease=LeasePace(lease=60.0))
    return await cluster.replica(options, serve=False)


def _iteration(count: int, inside: dict[str, Any]) -> WorkflowDefinition:
    nodes: dict[str, Any] = {
        "begin": {"type": "begin"},
        "list": {"type": "items", "count": count},
        "each": {
            "type": "iteration",
            "iterator_selector": ["list", "items"],
            "output_selector": ["inside", "text"],
            "start_node_id": "first",
        },
        "first": {"type": "iteration-start"},
        "inside": inside,
    }
    parents = {"first": "each", "inside": "each"}
    edges = [("begin", "list"), ("list", "each"), ("first", "inside")]
    return WorkflowDefinition(
        mode="advanced-chat",
        graph={
            "nodes": [
                {"id": name, "parentId": parents.get(name), "data": {"title": name, **data}}
                for name, data in nodes.items()
            ],
            "edges": [
                {"id": f"{a}-{b}", "source": a, "target": b, "sourceHandle": "source"}
                for a, b in edges
            ],
        },
    )


async def _accepted(cluster: Cluster, definition: WorkflowDefinition) -> AcceptRun:
    asked = await cluster.asked(definition, limits=LIMITS)
    await cluster.replicas[-1].engine.use_cases.accept.execute(asked)
    return asked


async def _rounds_once(cluster: Cluster, run_id: UUID, count: int) -> None:
    events = [entry.event for entry in await cluster.journal(run_id)]
    for kind in (journal.FrameStarted, journal.FrameFinished):
        assert [e.index for e in events if isinstance(e, kind)] == [*range(count)]


async def test_a_crash_near_the_end_does_one_item_again(
    migrated_database: FreshDatabase, bus: InMemoryBus, body: Body
) -> None:
    count, last = 300, 270
    callees = CountedCallees()
    callees.held = last
    callees.gate.clear()
    await callees.serve(bus)
    async with postgres_cluster(migrated_database, bus) as cluster:
        first = await _replica(cluster, body)
        asked = await _accepted(cluster, _iteration(count, {"type": "compute", "code": "a"}))
        async with asyncio.timeout(60):
            while len(callees.effects) < last:
                callees.arrived.clear()
                await callees.arrived.wait()
        await first.kill()
        await first.expire()
        callees.gate.set()
        await _replica(cluster, body)
        view = await cluster.ended(asked.run_id, within=60)
        assert (view.status, view.total_steps) == ("succeeded", count + 3)
        keys = [effect.key for effect in callees.effects]
        assert (len(keys), len(set(keys))) == (count + 1, count)
        assert keys[last - 1] == keys[last]
        await _rounds_once(cluster, asked.run_id, count)


async def test_without_calls_a_crash_does_a_few_steps_again(
    migrated_database: FreshDatabase, bus: InMemoryBus, body: Body
) -> None:
    count, body.held = 3_000, 2_500
    reached = asyncio.Event()
    body.reached = reached.set
    async with postgres_cluster(migrated_database, bus) as cluster:
        first = await _replica(cluster, body)
        asked = await _accepted(cluster, _iteration(count, {"type": "seen"}))
        await asyncio.wait_for(reached.wait(), 60)
        assert len(body.seen) < count, "the whole iteration was one step"
        await first.kill()
        await first.expire()
        done = len(body.seen)
        await _replica(cluster, body)
        assert (await cluster.ended(asked.run_id, within=60)).status == "succeeded"
        again = done - body.seen[done]
        assert again <= STEPS_AHEAD * (STEP_EVENTS / EVENTS_AN_ITEM + 1)
        await _rounds_once(cluster, asked.run_id, count)
