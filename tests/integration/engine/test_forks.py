"""Runs that begin from another one, on real stores: nothing of the origin is done again."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_forks import PlanFork, RunOrigin
from libs.common.contracts.run_queries import NodeTrace, TraceQuery
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.errors import ForkRefused, RunUnderWay
from services.engine.domain.events import journal
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster, eventually, postgres_cluster
from tests.support.engine_nodes import chain

ASK = {"type": "ask", "prompt": "hi"}
COMPUTE = {"type": "compute", "code": "a"}
CHAIN = chain(ASK, COMPUTE, {"type": "show", "shows": "n1.text"}, ASK)


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(migrated_database, bus) as made:
        yield made


async def ran(cluster: Cluster, definition: WorkflowDefinition = CHAIN) -> AcceptRun:
    asked = await cluster.asked(definition, system={"query": "hello"})
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    assert (await cluster.ended(asked.run_id)).status == "succeeded"
    return asked


async def fork_of(
    cluster: Cluster, origin: AcceptRun, from_node: str | None, **changes: Any
) -> AcceptRun:
    """Planned, not yet accepted."""
    wanted = origin.model_copy(update=changes)
    asked = PlanFork(
        tenant_id=TENANT,
        run_id=origin.run_id,
        workflow_hash=wanted.workflow_hash,
        from_node=from_node,
    )
    plan = await cluster.replicas[0].engine.use_cases.plan_fork.execute(asked)
    assert plan.obstacles == ()
    begins = RunOrigin(
        kind="fork",
        run_id=origin.run_id,
        from_node=from_node,
        taken=tuple(node.node_id for node in plan.takes),
    )
    return wanted.model_copy(update={"run_id": uuid7(), "origin": begins})


async def arrivals(callees: Callees, count: int) -> None:
    async def arrived() -> bool:
        return len(callees.effects) >= count

    await eventually(arrived)


async def traced(cluster: Cluster, asked: AcceptRun) -> dict[str, NodeTrace]:
    query = TraceQuery(tenant_id=TENANT, run_id=asked.run_id)
    trace = await cluster.replicas[0].engine.use_cases.read.trace(query)
    return {node.node_id: node for node in trace.nodes}


async def test_a_fork_calls_nobody_for_what_it_takes_over(
    cluster: Cluster, callees: Callees
) -> None:
    engine = (await cluster.replica(serve=False)).engine
    origin = await ran(cluster)
    assert len(callees.effects) == 3
    fork = await fork_of(cluster, origin, "n4")
    await engine.use_cases.accept.execute(fork)
    view = await cluster.ended(fork.run_id)
    assert (view.status, view.total_tokens) == ("succeeded", 0)
    (called,) = callees.effects[3:]
    assert f"/{fork.run_id}/n4/" in called.key
    nodes = await traced(cluster, fork)
    assert {name for name, node in nodes.items() if node.taken_from} == {"n1", "n2", "n3"}
    assert {node.taken_from for node in nodes.values()} == {None, origin.run_id}
    before = await traced(cluster, origin)
    assert nodes["n1"].elapsed_seconds == before["n1"].elapsed_seconds
    started = (await cluster.journal(fork.run_id))[0].event
    first = (await cluster.journal(origin.run_id))[0].event
    assert isinstance(started, journal.RunStarted)
    assert isinstance(first, journal.RunStarted)
    assert (started.seed, started.clock) == (first.seed, first.clock)


async def test_a_fork_whose_worker_dies_is_taken_over_and_takes_nothing_over_twice(
    cluster: Cluster, callees: Callees
) -> None:
    first = await cluster.replica(serve=False)
    origin = await ran(cluster)
    fork = await fork_of(cluster, origin, "n2")
    callees.gate.clear()
    callees.hold_code = False
    await first.engine.use_cases.accept.execute(fork)
    await arrivals(callees, 5)  # three of the origin, n2 and n4 of the fork
    await first.kill()
    await cluster.replica(serve=False)
    await arrivals(callees, 6)
    callees.gate.set()
    view = await cluster.ended(fork.run_id)
    assert (view.status, view.epoch) == ("succeeded", 2)
    places = [effect.key.split("/")[2] for effect in callees.effects]
    assert places == ["n1", "n2", "n4", "n2", "n4", "n4"]
    assert set(callees.upstream.values()) == {1}
    events = [entry.event for entry in await cluster.journal(fork.run_id)]
    taken = [each for each in events if isinstance(each, journal.NodeSucceeded) and each.taken_from]
    assert [each.node_id for each in taken] == ["n1"]
    texts = [each.text for each in events if isinstance(each, journal.TextCommitted)]
    assert "".join(texts) == "Hello"


async def test_a_fork_runs_under_another_version(cluster: Cluster, callees: Callees) -> None:
    engine = (await cluster.replica(serve=False)).engine
    origin = await ran(cluster)
    changed = chain(ASK, COMPUTE, {"type": "show", "shows": "n1.text"}, {**COMPUTE, "code": "b"})
    other = await cluster.register(changed)
    fork = await fork_of(cluster, origin, "n4", workflow_hash=other)
    await engine.use_cases.accept.execute(fork)
    assert (await cluster.ended(fork.run_id)).status == "succeeded"
    assert (await traced(cluster, fork))["n4"].outputs == {"result": "B"}
    assert len(callees.effects) == 4


async def test_a_replay_calls_everybody_again(cluster: Cluster, callees: Callees) -> None:
    engine = (await cluster.replica(serve=False)).engine
    origin = await ran(cluster)
    replay = await fork_of(cluster, origin, None)
    assert replay.origin is not None
    assert replay.origin.taken == ()
    await engine.use_cases.accept.execute(replay)
    assert (await cluster.ended(replay.run_id)).status == "succeeded"
    assert len(callees.effects) == 6
    assert len(set(callees.upstream)) == 6, "a replay has keys of its own"


async def test_only_a_run_that_has_ended_can_be_begun_from(
    cluster: Cluster, callees: Callees
) -> None:
    engine = (await cluster.replica(serve=False)).engine
    callees.gate.clear()
    asked = await cluster.asked(CHAIN)
    await engine.use_cases.accept.execute(asked)
    await arrivals(callees, 1)
    with pytest.raises(RunUnderWay):
        await fork_of(cluster, asked, "n2")
    callees.gate.set()
    await cluster.ended(asked.run_id)
    with pytest.raises(ForkRefused, match="no node `n9`"):
        await fork_of(cluster, asked, "n9")


async def test_an_origin_that_is_gone_sets_the_fork_aside(
    cluster: Cluster, callees: Callees
) -> None:
    engine = (await cluster.replica(serve=False)).engine
    origin = await ran(cluster)
    nobody = RunOrigin(kind="fork", run_id=uuid7(), from_node="n4", taken=("n1",))
    fork = origin.model_copy(update={"run_id": uuid7(), "origin": nobody})
    await engine.use_cases.accept.execute(fork)
    view = await cluster.ended(fork.run_id)
    assert view.status == "incompatible"
    assert "is gone" in (view.error or "")
