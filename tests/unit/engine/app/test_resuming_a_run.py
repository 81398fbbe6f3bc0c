"""A run that was set aside, and the command that gives it another chance."""

import asyncio
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import CommandAccepted, ResumeRun
from libs.common.contracts.subjects import RESUME_RUN
from services.engine.app.errors import RunUnknown
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster
from tests.support.engine_nodes import chain


async def _resume(cluster: Cluster, run_id: UUID, command_id: UUID) -> CommandAccepted:
    command = ResumeRun(tenant_id=TENANT, run_id=run_id, command_id=command_id)
    return await cluster.bus.request(
        RESUME_RUN, command, envelope=Envelope(tenant_id=TENANT), timeout=5
    )


async def test_a_resumed_run_goes_on(cluster: Cluster) -> None:
    callees = Callees()
    callees.gate.clear()
    await callees.serve(cluster.bus)
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    worker = cluster.replicas[0]
    await worker.engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    driver = worker.engine.worker.driver_of(asked.run_id)
    assert driver is not None
    early = await _resume(cluster, asked.run_id, uuid4())
    assert (early.accepted, early.run_status) == (False, "running")
    assert await worker.stores.runs.set_aside(
        worker.worker_id, driver.claim, "quarantined", "it broke"
    )
    assert (await cluster.view(asked.run_id)).error == "it broke"
    callees.gate.set()
    resumed = await _resume(cluster, asked.run_id, uuid4())
    assert (resumed.accepted, resumed.run_status) == (True, "queued")
    view = await cluster.ended(asked.run_id)
    assert (view.status, view.error) == ("succeeded", None)


async def test_a_run_that_breaks_again_is_set_aside_again(cluster: Cluster) -> None:
    asked = await cluster.asked(chain({"type": "broken"}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    first = await cluster.ended(asked.run_id)
    command_id = uuid4()
    await _resume(cluster, asked.run_id, command_id)
    second = await cluster.ended(asked.run_id)
    again = await _resume(cluster, asked.run_id, command_id)
    assert first.error
    assert (second.status, second.error, second.epoch) == ("quarantined", first.error, 2)
    assert (again.accepted, again.run_status) == (True, "quarantined")


async def test_an_unknown_run_cannot_be_resumed(cluster: Cluster) -> None:
    with pytest.raises(RunUnknown):
        await _resume(cluster, uuid4(), uuid4())
