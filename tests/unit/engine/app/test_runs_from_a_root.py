"""A run begins with the root that it was accepted with, and so does whoever takes it over."""

from typing import Any

import pytest

from libs.common.contracts.run_forks import PlanFork
from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.app.errors import ForkRefused
from services.engine.domain.events import journal
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster, eventually


def _graph(*roots: str) -> WorkflowDefinition:
    nodes: list[Any] = [{"id": root, "data": {"type": "begin"}} for root in roots]
    nodes.append({"id": "work", "data": {"type": "compute", "code": "a"}})
    edges: list[Any] = [{"source": root, "target": "work"} for root in roots]
    return WorkflowDefinition(mode="workflow", graph={"nodes": nodes, "edges": edges})


async def _started(cluster: Cluster, run_id: Any) -> list[str]:
    entries = await cluster.journal(run_id)
    return [e.event.node_id for e in entries if isinstance(e.event, journal.NodeStarted)]


@pytest.mark.parametrize(("root", "first"), [(None, "a"), ("a", "a"), ("b", "b")])
@pytest.mark.usefixtures("callees")
async def test_a_run_begins_with_its_root(cluster: Cluster, root: str | None, first: str) -> None:
    asked = await cluster.asked(_graph("a", "b"), root=root)
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    assert (await cluster.ended(asked.run_id)).status == "succeeded"
    assert await _started(cluster, asked.run_id) == [first, "work"]


async def test_a_successor_goes_on_from_the_same_root(cluster: Cluster, callees: Callees) -> None:
    callees.gate.clear()
    asked = await cluster.asked(_graph("a", "b"), root="b")
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)
    await callees.arrived.wait()
    await cluster.replicas[0].kill()
    await cluster.replicas[0].expire()
    await cluster.replica()
    callees.gate.set()
    assert (await cluster.ended(asked.run_id)).status == "succeeded"
    assert await _started(cluster, asked.run_id) == ["b", "work"]


async def test_a_root_that_is_none_sets_the_run_aside(cluster: Cluster) -> None:
    asked = await cluster.asked(_graph("a"), root="work")
    await cluster.replicas[0].engine.use_cases.accept.execute(asked)

    async def aside() -> bool:
        return (await cluster.view(asked.run_id)).status == "incompatible"

    await eventually(aside)


@pytest.mark.usefixtures("callees")
async def test_a_fork_begins_as_its_origin_did(cluster: Cluster) -> None:
    asked = await cluster.asked(_graph("a", "b"), root="b")
    use_cases = cluster.replicas[0].engine.use_cases
    await use_cases.accept.execute(asked)
    await cluster.ended(asked.run_id)
    plan = PlanFork(
        tenant_id=TENANT,
        run_id=asked.run_id,
        workflow_hash=asked.workflow_hash,
        from_node="work",
    )
    told = await use_cases.plan_fork.execute(plan)
    assert [(each.node_id, each.reason) for each in told.executes] == [
        ("b", "start"),
        ("work", "chosen"),
    ]
    other = await cluster.register(_graph("a", "c"))
    with pytest.raises(ForkRefused, match="begins with `b`"):
        await use_cases.plan_fork.execute(plan.model_copy(update={"workflow_hash": other}))
