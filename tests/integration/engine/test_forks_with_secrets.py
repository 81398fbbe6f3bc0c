"""Forks of runs with secrets: sealed and masked like their origins, or refused."""

import pytest

from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_forks import ForkPlan, PlanFork, RunOrigin
from libs.common.contracts.run_queries import TraceQuery
from libs.common.identifiers import uuid7
from libs.common.run_sealing import MASK
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster
from tests.support.engine_nodes import chain
from tests.support.engine_secrets import OPTIONS, VALUE, asked, rows


@pytest.fixture
def cluster(secrets: Cluster) -> Cluster:
    return secrets


async def origin_of(cluster: Cluster) -> AcceptRun:
    base = await asked(cluster)
    definition = chain({"type": "use"}, {"type": "compute", "code": "x"})
    made = base.model_copy(update={"workflow_hash": await cluster.register(definition)})
    await cluster.replicas[0].engine.use_cases.accept.execute(made)
    assert (await cluster.ended(made.run_id)).status == "succeeded"
    return made


async def planned(
    cluster: Cluster, origin: AcceptRun, from_node: str, secrets: dict[str, int]
) -> ForkPlan:
    wanted = PlanFork(
        tenant_id=TENANT,
        run_id=origin.run_id,
        workflow_hash=origin.workflow_hash,
        from_node=from_node,
        secrets=secrets,
    )
    return await cluster.replicas[0].engine.use_cases.plan_fork.execute(wanted)


async def test_what_a_fork_takes_over_stays_sealed_and_masked(
    cluster: Cluster, callees: Callees, migrated_database: FreshDatabase
) -> None:
    engine = (await cluster.replica(OPTIONS, serve=False)).engine
    origin = await origin_of(cluster)
    plan = await planned(cluster, origin, "n2", {"KEY": 3})
    assert plan.obstacles == ()
    begins = RunOrigin(
        kind="fork",
        run_id=origin.run_id,
        from_node="n2",
        taken=tuple(node.node_id for node in plan.takes),
    )
    fork = origin.model_copy(update={"run_id": uuid7(), "origin": begins})
    await engine.use_cases.accept.execute(fork)
    assert (await cluster.ended(fork.run_id)).status == "succeeded"
    assert not any(VALUE.encode() in row for row in await rows(migrated_database, fork.run_id))
    query = TraceQuery(tenant_id=TENANT, run_id=fork.run_id)
    taken = (await engine.use_cases.read.trace(query)).nodes[1]
    assert (taken.taken_from, taken.inputs) == (origin.run_id, {"key": MASK})
    assert len(callees.effects) == 3


async def test_a_version_with_other_secrets_takes_nothing_over(
    cluster: Cluster, callees: Callees
) -> None:
    await cluster.replica(OPTIONS, serve=False)
    origin = await origin_of(cluster)
    for secrets in ({}, {"KEY": 4}):
        (obstacle,) = (await planned(cluster, origin, "n2", secrets)).obstacles
        assert obstacle.code == "other_secrets"
    assert (await planned(cluster, origin, "n0", {"KEY": 4})).obstacles == ()
    assert (await planned(cluster, origin, "n2", {"KEY": 3, "NEW": 1})).obstacles == ()
