"""Runs whose secrets are with a backend that is away: they wait, others do not, and an abort ends
them."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from libs.common.contracts.run_commands import AbortRun, AcceptRun
from libs.common.contracts.run_queries import TraceQuery
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster, eventually
from tests.support.engine_nodes import chain
from tests.support.engine_secrets import OPTIONS, VALUE, Keeper, asked


@pytest.fixture
def cluster(secrets: Cluster) -> Cluster:
    return secrets


async def test_a_run_waits_for_the_backend_and_others_do_not(
    cluster: Cluster, keeper: Keeper
) -> None:
    keeper.away = True
    replica = await cluster.replica(OPTIONS, serve=False)
    waiting = await asked(cluster)
    await replica.engine.use_cases.accept.execute(waiting)

    async def has_asked() -> bool:
        return keeper.asked > 1

    await eventually(has_asked)
    other = await cluster.asked(chain({"type": "pass"}))
    await replica.engine.use_cases.accept.execute(other)
    assert (await cluster.ended(other.run_id)).status == "succeeded"
    assert (await cluster.view(waiting.run_id)).status == "running"
    keeper.away = False
    assert (await cluster.ended(waiting.run_id)).status == "succeeded"


async def test_a_run_that_waits_for_the_backend_can_be_stopped(
    cluster: Cluster, keeper: Keeper, callees: Callees
) -> None:
    keeper.away = True
    # No sweep comes in time: the wake-up alone has to reach it.
    worker = replace(OPTIONS.worker, sweep=60.0)
    replica = await cluster.replica(replace(OPTIONS, worker=worker))
    request = await asked(cluster)
    await replica.engine.use_cases.accept.execute(request)
    await _asked_again(keeper)
    await replica.engine.use_cases.command.send(_abort(request))
    view = await cluster.ended(request.run_id, within=1.0)
    assert (view.status, view.error, callees.effects) == ("stopped", "not needed", [])
    kinds = [event.kind for event in await cluster.events(request.run_id)]
    assert kinds == ["run_started", "run_finished"]


async def test_one_that_was_taken_over_can_be_stopped(
    cluster: Cluster, keeper: Keeper, callees: Callees
) -> None:
    callees.gate.clear()
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await first.kill()
    keeper.away = True
    second = await cluster.replica(OPTIONS, serve=False)
    await _asked_again(keeper)
    await second.engine.use_cases.command.send(_abort(request))
    view = await cluster.ended(request.run_id, within=2.0)
    assert (view.status, view.epoch, len(callees.effects)) == ("stopped", 2, 1)
    query = TraceQuery(tenant_id=TENANT, run_id=request.run_id)
    assert VALUE not in (await second.engine.use_cases.read.trace(query)).model_dump_json()


async def test_a_waiting_run_is_let_go_with_its_worker(cluster: Cluster, keeper: Keeper) -> None:
    keeper.away = True
    first = await cluster.replica(OPTIONS, serve=False)
    request = await asked(cluster)
    await first.engine.use_cases.accept.execute(request)
    await _asked_again(keeper)
    await first.stop()
    assert (await cluster.view(request.run_id)).status == "queued"
    keeper.away = False
    await cluster.replica(OPTIONS, serve=False)
    assert (await cluster.ended(request.run_id)).status == "succeeded"


def _abort(request: AcceptRun) -> AbortRun:
    return AbortRun(
        tenant_id=TENANT, run_id=request.run_id, command_id=uuid4(), reason="not needed"
    )


async def _asked_again(keeper: Keeper) -> None:
    before = keeper.asked

    async def more() -> bool:
        return keeper.asked > before + 1

    await eventually(more)
