"""Whoever drives a run, or one that it calls, may die at any moment: nothing is called twice, and
nothing that is called is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.run_commands import AbortRun, AcceptRun
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.domain.events.journal import ChildStarted, EffectDispatched, RunStarted
from services.engine.domain.execution.effect_keys import child_run_id, effect_key, run_scope
from services.engine.infra.command_channels.in_memory_channel import InMemoryCommandChannel
from tests.support.child_graphs import APP, called, calls, ends, pinned
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import (
    TENANT,
    Cluster,
    Replica,
    eventually,
    postgres_cluster,
    with_worker,
)
from tests.support.engine_nodes import form

OTHER = UUID(int=APP.int + 1)
COMPUTES: dict[str, Any] = {"type": "compute", "code": "a"}


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(migrated_database, bus) as made:
        yield made


def child_of(run_id: UUID) -> UUID:
    return child_run_id(run_id, effect_key(run_scope(TENANT, run_id), "call", "", 0, 0))


def caller(*beside: dict[str, Any]) -> WorkflowDefinition:
    """A call, other nodes beside it, and an end that gives what the call made."""
    nodes: list[dict[str, Any]] = [
        {"id": "n0", "data": {"type": "begin"}},
        {"id": "call", "data": {"title": "Call", **calls()}},
        {"id": "end", "data": ends(made="call.made")},
    ]
    nodes += [{"id": f"b{place}", "data": data} for place, data in enumerate(beside)]
    ways = [("n0", "call"), ("call", "end")]
    ways += [("n0", f"b{place}") for place in range(len(beside))]
    edges = [{"source": a, "target": b, "sourceHandle": "source"} for a, b in ways]
    graph: dict[str, Any] = {"nodes": nodes, "edges": edges}
    return WorkflowDefinition(mode="workflow", graph=graph)


async def asked(cluster: Cluster, child: WorkflowDefinition, *beside: dict[str, Any]) -> AcceptRun:
    pin = await pinned(cluster, child)
    return await cluster.asked(caller(*beside), sub_workflows=(pin,))


async def accepted(at: Replica, request: AcceptRun) -> UUID:
    await at.engine.use_cases.accept.execute(request)
    return request.run_id


async def counts(cluster: Cluster, run_id: UUID) -> tuple[int, int]:
    """How often the journal says that a child was called, and that it was accepted."""
    events = [entry.event for entry in await cluster.journal(run_id)]
    calls_made = [
        e for e in events if isinstance(e, EffectDispatched) and e.effect_class == "child"
    ]
    return len(calls_made), sum(isinstance(event, ChildStarted) for event in events)


async def begun(cluster: Cluster, run_id: UUID) -> int:
    events = [entry.event for entry in await cluster.journal(run_id)]
    return sum(isinstance(event, RunStarted) for event in events)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_an_owner_dies_around_its_childs_acceptance(
    cluster: Cluster, callees: Callees, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    first = await cluster.replica()
    accept_child, held = first.stores.runs.accept_child, asyncio.Event()

    async def dies(*arguments: Any) -> Any:
        if not before:
            await accept_child(*arguments)
        held.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(first.stores.runs, "accept_child", dies)
    run_id = await accepted(first, await asked(cluster, called(COMPUTES, ends(made="n1.result"))))
    await asyncio.wait_for(held.wait(), 5)
    await first.kill()
    await cluster.replica()
    assert (await cluster.ended(run_id)).outputs == {"made": "A"}
    assert await counts(cluster, run_id) == (1, 1)
    assert await begun(cluster, child_of(run_id)) == 1
    assert [*callees.upstream.values()] == [1]


async def test_a_caller_is_taken_over_while_its_child_runs(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    first = await cluster.replica(with_worker(capacity=1))
    second = await cluster.replica(serve=False)
    # What runs beside the call keeps its owner from parking it.
    run_id = await accepted(
        first, await asked(cluster, called(COMPUTES, ends(made="n1.result")), COMPUTES)
    )
    await eventually(lambda: _owned(cluster, child_of(run_id), second))
    await first.kill()
    await eventually(lambda: _owned(cluster, run_id, second))
    callees.gate.set()
    assert (await cluster.ended(run_id)).outputs == {"made": "A"}
    assert await counts(cluster, run_id) == (1, 1)
    assert set(callees.upstream.values()) == {1}


async def test_a_child_is_taken_over_while_its_caller_is_parked(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    first = await cluster.replica()
    run_id = await accepted(first, await asked(cluster, called(COMPUTES, ends(made="n1.result"))))
    await cluster.parked(run_id)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    callees.gate.set()
    await cluster.replica()
    assert (await cluster.ended(run_id)).outputs == {"made": "A"}
    assert (await cluster.view(child_of(run_id))).epoch == 2


async def test_a_child_ends_before_its_callers_next_owner_looks(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    cluster.channel = _Deaf()
    first = await cluster.replica(with_worker(capacity=1, sweep=60.0))
    second = await cluster.replica(serve=False)
    # What runs beside the call keeps its owner from parking it.
    run_id = await accepted(
        first,
        await asked(cluster, called({"type": "pass"}, ends(made="n1.said")), COMPUTES),
    )
    await eventually(lambda: _told(second, run_id))
    assert (await cluster.view(child_of(run_id))).status == "succeeded"
    await first.kill()
    callees.gate.set()
    assert (await cluster.ended(run_id)).outputs == {"made": "n1"}
    assert await counts(cluster, run_id) == (1, 1)


class _Deaf(InMemoryCommandChannel):
    """Nobody hears it."""

    async def ring(self, tenant_id: UUID, run_id: UUID) -> None:
        return


async def _told(replica: Replica, run_id: UUID) -> bool:
    return bool(await replica.stores.commands.undrained(TENANT, run_id))


async def _owned(cluster: Cluster, run_id: UUID, by: Replica) -> bool:
    return run_id in by.engine.worker._driven  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("child", ["computes", "asks people"])
async def test_an_abort_takes_the_children_along(
    cluster: Cluster, callees: Callees, child: str
) -> None:
    callees.gate.clear()
    replica = await cluster.replica()
    work = COMPUTES if child == "computes" else form()
    request = await asked(cluster, called(calls(OTHER), ends(made="n1.made")))
    pin = await pinned(cluster, called(work, ends(made="n1.said")), OTHER)
    request = request.model_copy(update={"sub_workflows": (*request.sub_workflows, pin)})
    run_id = await accepted(replica, request)
    await cluster.parked(run_id)
    between = child_of(run_id)
    below = child_run_id(between, effect_key(run_scope(TENANT, between), "n1", "", 0, 0))
    await cluster.parked(between)
    if child == "computes":
        await asyncio.wait_for(callees.arrived.wait(), 5)
    else:
        await cluster.parked(below)
    stop = AbortRun(tenant_id=TENANT, run_id=run_id, command_id=uuid7(), reason="enough")
    async with asyncio.timeout(1.0):
        await replica.engine.use_cases.command.send(stop)
        for each in (run_id, between, below):
            assert (await cluster.ended(each)).status == "stopped"
        if child == "computes":
            await eventually(lambda: _cancelled(callees))
    assert (await cluster.view(below)).error == "enough"


async def _cancelled(callees: Callees) -> bool:
    return bool(callees.cancelled)
