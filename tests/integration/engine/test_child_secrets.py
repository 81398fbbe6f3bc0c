"""What a run with secrets gives to the runs that it calls stays closed and is shown masked."""

from typing import Any

import pytest

from libs.common.contracts.run_commands import EnvironmentValue
from libs.common.contracts.run_queries import TraceQuery
from libs.common.database.asyncpg_pool import create_pool
from libs.common.run_sealing import MASK
from services.engine.domain.events.journal import NodeSucceeded, RunStarted
from services.engine.domain.execution.effect_keys import child_run_id, effect_key, run_scope
from tests.support.child_graphs import called, calls, ends, pinned
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT, Cluster
from tests.support.engine_secrets import APP, OPTIONS, VALUE, rows

KEY = EnvironmentValue(name="KEY", value_type="secret", secret_version=3)
TOPIC: dict[str, Any] = {"variable": "topic", "type": "text-input", "required": True}
GIVES: dict[str, Any] = {"inputs": {"topic": {"type": "variable", "value": ["env", "KEY"]}}}


@pytest.fixture
def cluster(secrets: Cluster) -> Cluster:
    return secrets


async def test_a_child_of_a_run_with_secrets_is_closed_and_shown_masked(
    cluster: Cluster, migrated_database: FreshDatabase
) -> None:
    replica = await cluster.replica(OPTIONS, serve=False)
    pin = await pinned(cluster, called({"type": "pass"}, ends(said="n1.said"), inputs=(TOPIC,)))
    request = await cluster.asked(
        called(calls(**GIVES), ends(said="n1.said")),
        app_id=APP,
        environment=(KEY,),
        sub_workflows=(pin,),
    )
    await replica.engine.use_cases.accept.execute(request)
    view = await cluster.ended(request.run_id)
    assert (view.status, view.outputs) == ("succeeded", {"said": "n1"})
    scope = run_scope(TENANT, request.run_id)
    child = child_run_id(request.run_id, effect_key(scope, "n1", "", 0, 0))
    journal = [entry.event for entry in await cluster.journal(child)]
    assert isinstance(journal[0], RunStarted)
    assert (journal[0].secrets, journal[0].around) == ({}, {f"{APP}/KEY": 3})
    begun = next(event for event in journal if isinstance(event, NodeSucceeded))
    assert begun.inputs == {"topic": VALUE}
    for run_id in (request.run_id, child):
        stored = await rows(migrated_database, run_id)
        assert stored
        assert not any(VALUE.encode() in row for row in stored)
    async with await create_pool(migrated_database.url) as pool, pool.acquire() as connection:
        await connection.execute("select set_config('heddle.tenants', $1, false)", str(TENANT))
        commands = await connection.fetch("select body from engine.run_commands")
        assert commands
        assert not any(b"outputs" in row["body"] for row in commands)
    reads = cluster.replicas[0].engine.use_cases.read
    trace = await reads.trace(TraceQuery(tenant_id=TENANT, run_id=child))
    assert trace.nodes[0].inputs == {"topic": MASK}
    started = (await cluster.events(child))[0]
    assert getattr(started, "inputs", None) == {"topic": MASK}
