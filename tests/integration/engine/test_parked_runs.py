"""Parked runs over real Postgres: nothing is left of them but rows, and nothing of them is lost."""

import asyncio
import base64
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from libs.common.contracts.forms import FormQuery, FormView
from libs.common.contracts.run_commands import PauseRun, ResumeRun
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.database.asyncpg_pool import Connection
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.run_seal import RunSeal
from services.engine.app.errors import FormExpired, FormSubmitted
from services.engine.domain.events.journal import NodeStarted
from services.engine.infra.command_channels.in_memory_channel import InMemoryCommandChannel
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster, eventually, postgres_cluster
from tests.support.engine_nodes import chain, form

SECRET_WORD = "salary-of-the-captain"


@pytest.fixture
async def cluster(migrated_database: FreshDatabase, bus: InMemoryBus) -> AsyncIterator[Cluster]:
    async with postgres_cluster(migrated_database, bus) as made:
        await made.replica()
        yield made


def side_by_side(*names: str) -> WorkflowDefinition:
    """Forms that are open at the same time."""
    nodes: list[dict[str, Any]] = [{"id": "n0", "data": {"type": "begin"}}]
    nodes += [{"id": name, "data": form()} for name in names]
    edges = [{"source": "n0", "target": name, "sourceHandle": "source"} for name in names]
    graph: dict[str, Any] = {"nodes": nodes, "edges": edges}
    return WorkflowDefinition(mode="workflow", graph=graph)


async def _parked(cluster: Cluster, definition: WorkflowDefinition) -> UUID:
    asked = await cluster.asked(definition)
    await cluster.replicas[-1].engine.use_cases.accept.execute(asked)
    await cluster.parked(asked.run_id)
    return asked.run_id


async def _steps(cluster: Cluster, run_id: UUID) -> list[str]:
    events = [entry.event for entry in await cluster.journal(run_id)]
    return [event.node_id for event in events if isinstance(event, NodeStarted)]


@asynccontextmanager
async def _admin(database: FreshDatabase) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(database.admin_url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_a_run_survives_the_death_of_everybody_between_its_two_forms(
    cluster: Cluster,
) -> None:
    run_id = await _parked(cluster, side_by_side("a", "b"))
    forms = {shown.node_id: shown for shown in await cluster.forms(run_id)}
    for node in ("a", "b"):
        await cluster.replicas[-1].kill()
        await cluster.replica()
        await cluster.answer(forms[node].form_id)
        if node == "a":
            await eventually(lambda: _answered(cluster, run_id))
            await cluster.parked(run_id)
    view = await cluster.ended(run_id)
    assert view.status == "succeeded"
    assert await _steps(cluster, run_id) == ["n0", "a", "b"]


async def _answered(cluster: Cluster, run_id: UUID) -> bool:
    kinds = [type(entry.event).__name__ for entry in await cluster.journal(run_id)]
    return "FormClosed" in kinds and kinds[-1] == "RunParked"


async def test_answers_at_many_replicas_at_once_are_one_answer(cluster: Cluster) -> None:
    for _ in range(2):
        await cluster.replica(serve=False)
    run_id = await _parked(cluster, chain(form(), {"type": "pass"}))
    (shown,) = await cluster.forms(run_id)
    done = await asyncio.gather(
        *(cluster.answer(shown.form_id, actor=f"p{place}") for place in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, FormSubmitted) for each in done) == 7
    assert (await cluster.ended(run_id)).status == "succeeded"
    closed = [e.event for e in await cluster.journal(run_id)]
    assert sum(type(event).__name__ == "FormClosed" for event in closed) == 1


async def test_a_deadline_that_passes_wakes_the_run_and_closes_the_form(
    cluster: Cluster, migrated_database: FreshDatabase
) -> None:
    run_id = await _parked(cluster, chain(form(timeout=1, timeout_unit="day")))
    (shown,) = await cluster.forms(run_id)
    async with _admin(migrated_database) as admin:
        past = "clock_timestamp() - interval '1 s'"
        await admin.execute(f"UPDATE engine.forms SET expires_at = {past}")
        await admin.execute(f"UPDATE engine.run_timers SET due_at = {past}")
    assert (await cluster.ended(run_id)).status == "succeeded"
    kinds = [event.kind for event in await cluster.events(run_id)]
    assert "human_input_timeout" in kinds
    with pytest.raises(FormExpired):
        await cluster.answer(shown.form_id)


async def test_nothing_is_lost_with_every_wake_up(
    migrated_database: FreshDatabase, bus: InMemoryBus, callees: Callees
) -> None:
    async with postgres_cluster(migrated_database, bus) as cluster:
        cluster.channel = _Deaf()
        await cluster.replica()
        callees.gate.clear()
        asked = await cluster.asked(chain({"type": "compute", "code": "a"}, form()))
        use_cases = cluster.replicas[0].engine.use_cases
        await use_cases.accept.execute(asked)
        await asyncio.wait_for(callees.arrived.wait(), 5)
        to: dict[str, Any] = {"tenant_id": TENANT, "run_id": asked.run_id}
        await use_cases.command.send(PauseRun(**to, command_id=uuid7()))
        stores = cluster.replicas[0].stores

        async def drained() -> bool:
            return await stores.commands.undrained(TENANT, asked.run_id) == []

        await eventually(drained)
        callees.gate.set()
        await cluster.parked(asked.run_id)
        await stores.commands.resume(ResumeRun(**to, command_id=uuid7()))

        async def open_form() -> bool:
            return bool(await cluster.forms(asked.run_id))

        await eventually(open_form)
        (shown,) = await cluster.forms(asked.run_id)
        await cluster.answer(shown.form_id)
        assert (await cluster.ended(asked.run_id)).status == "succeeded"


class _Deaf(InMemoryCommandChannel):
    """Nobody hears it."""

    async def ring(self, tenant_id: UUID, run_id: UUID) -> None:
        return


async def test_what_people_are_shown_and_answer_is_sealed_where_it_lies(
    migrated_database: FreshDatabase, bus: InMemoryBus
) -> None:
    sealing = RunSeal(SecretStr(base64.b64encode(secrets.token_bytes(32)).decode()))
    async with postgres_cluster(migrated_database, bus, sealing=sealing) as cluster:
        await cluster.replica()
        run_id = await _parked(cluster, chain(form(form_content=f"Raise {SECRET_WORD}?")))
        (shown,) = await cluster.forms(run_id)
        await cluster.answer(shown.form_id, inputs={"why": SECRET_WORD})
        await cluster.ended(run_id)
        whole: FormView = await cluster.replicas[0].stores.forms.find(
            FormQuery(tenant_id=TENANT, form_id=shown.form_id)
        )
        assert whole.form is not None
        assert SECRET_WORD in whole.form.content
        assert whole.inputs == {"why": SECRET_WORD}
        async with _admin(migrated_database) as admin:
            rows = await admin.fetch("SELECT shown, inputs FROM engine.forms")
            rows += await admin.fetch("SELECT body FROM engine.run_commands")
            assert len(rows) == 2
            assert not any(SECRET_WORD.encode() in value for row in rows for value in row)
