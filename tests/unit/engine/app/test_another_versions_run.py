"""A run whose journal today's code cannot follow waits for the version that can."""

import asyncio
from dataclasses import replace
from uuid import uuid4

from libs.common.contracts.code_execution import CodeCall
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import ResumeRun
from libs.common.contracts.subjects import RESUME_RUN
from services.engine.domain.node_parts.effects import RunCode
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    NodeRun,
    NodeType,
)
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, TENANT, Cluster, eventually
from tests.support.engine_nodes import TEST_CATALOGUE, PlainNode, chain


class _AsksOtherwise(PlainNode):
    """The node `compute` of another version."""

    __slots__ = ()

    def run(self, context: NodeContext) -> NodeRun:
        yield RunCode(call=CodeCall(language="python3", code="something else"))
        return NodeResult(outputs={})


OTHER_VERSION = replace(
    FAST,
    catalogue={
        **TEST_CATALOGUE,
        "compute": NodeType(type="compute", execution="executable", parse=_AsksOtherwise),
    },
)


async def test_it_is_set_aside_as_incompatible_and_goes_on_where_its_version_is(
    cluster: Cluster,
) -> None:
    callees = Callees()
    callees.gate.clear()
    await callees.serve(cluster.bus)
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    await cluster.replicas[0].kill()
    await cluster.replicas[0].expire()
    other = await cluster.replica(OTHER_VERSION, serve=False)

    async def set_aside() -> bool:
        return (await cluster.view(asked.run_id)).status == "incompatible"

    await eventually(set_aside)
    error = (await cluster.view(asked.run_id)).error or ""
    assert error.startswith("history_incompatible: effect ")
    await other.stop()
    callees.gate.set()
    await cluster.replica()
    command = ResumeRun(tenant_id=TENANT, run_id=asked.run_id, command_id=uuid4())
    resumed = await cluster.bus.request(
        RESUME_RUN, command, envelope=Envelope(tenant_id=TENANT), timeout=5
    )
    assert (resumed.accepted, resumed.run_status) == (True, "queued")
    view = await cluster.ended(asked.run_id)
    assert (view.status, view.error) == ("succeeded", None)
