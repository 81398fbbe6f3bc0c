"""Runs that their workers died with: real processes, really killed."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AbortRun, AcceptRun
from libs.common.contracts.subjects import ABORT_RUN
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from services.engine.app.ports.engine_stores import EngineStores
from services.engine.app.ports.run_store import RunRecord
from services.engine.infra.postgres.engine_stores import postgres_stores
from services.engine.infra.postgres.journal_store import GroupCommitter
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, eventually
from tests.support.engine_nodes import chain
from tests.support.engine_processes import EngineProcesses, is_alive

COMPUTE = chain({"type": "compute", "code": "a"})
POISON = chain({"type": "poison"})
# Each starts processes one after the other, and a busy machine takes seconds for each.
pytestmark = pytest.mark.timeout(300)

_SUSPICIOUS = 2
HASH = {id(COMPUTE): "a" * 64, id(POISON): "b" * 64}


class _World:
    """A database, callees on NATS that answer when `callees.gate` opens, and engine processes."""

    def __init__(
        self,
        database: FreshDatabase,
        stores: EngineStores,
        bus: NatsBus,
        processes: EngineProcesses,
    ) -> None:
        self._database = database
        self.stores = stores
        self.bus = bus
        self.processes = processes
        self.callees = Callees()
        self.callees.gate.clear()

    async def queued(self, definition: WorkflowDefinition, *, takeovers: int = 0) -> AcceptRun:
        """A run that nobody drives yet, as one that `takeovers` workers died with."""
        workflow_hash = HASH[id(definition)]
        await self.stores.workflows.put(TENANT, workflow_hash, definition)
        asked = AcceptRun(
            tenant_id=TENANT, run_id=uuid7(), app_id=uuid4(), workflow_hash=workflow_hash
        )
        await self.stores.runs.accept(asked, worker=None)
        if takeovers:
            await self._of_row(
                "UPDATE engine.runs SET takeovers = $2 WHERE run_id = $1 RETURNING takeovers",
                asked.run_id,
                takeovers,
            )
        return asked

    async def takeovers(self, asked: AcceptRun) -> int:
        return await self._of_row(
            "SELECT takeovers FROM engine.runs WHERE run_id = $1", asked.run_id
        )

    async def _of_row(self, statement: str, *arguments: object) -> int:
        connection = await asyncpg.connect(self._database.admin_url)
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()

    async def called(self, count: int) -> None:
        """Wait for as many calls in all."""

        async def arrived() -> bool:
            return len(self.callees.effects) >= count

        await eventually(arrived, within=120.0)

    async def found(self, asked: AcceptRun) -> RunRecord:
        return await self.stores.runs.find(TENANT, asked.run_id)

    async def settled(self, asked: AcceptRun) -> RunRecord:
        async def over() -> bool:
            return (await self.found(asked)).status not in ("queued", "running")

        await eventually(over, within=120.0)
        return await self.found(asked)


@pytest.fixture
async def world(
    migrated_database: FreshDatabase, nats_url: str, tmp_path: Path
) -> AsyncIterator[_World]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await create_pool(migrated_database.url))
        sweeper = await stack.enter_async_context(await create_pool(migrated_database.sweeper_url))
        bus = NatsBus(
            nats_url,
            name="test",
            object_store=open_object_store(tmp_path.as_uri()),
            instance=uuid4().hex,
            clock=SystemClock(),
        )
        await bus.start()
        stack.push_async_callback(bus.close)
        stores = postgres_stores(pool, sweeper, GroupCommitter(pool, uuid4()))
        processes = EngineProcesses(
            migrated_database,
            nats_url,
            tmp_path,
            HEDDLE_ENGINE_ISOLATE_AFTER="1",
            HEDDLE_ENGINE_QUARANTINE_AFTER="2",
        )
        made = _World(migrated_database, stores, bus, processes)
        await made.callees.serve(bus)
        yield made
        made.callees.gate.set()


async def test_a_run_that_kills_everybody_ends_alone(world: _World) -> None:
    innocent = await world.queued(COMPUTE)
    async with world.processes.engine() as first:
        await world.called(1)
        poison = await world.queued(POISON)
        assert await first.over() == -signal.SIGKILL
    async with world.processes.engine() as second:
        assert await second.over() == -signal.SIGKILL
    async with world.processes.engine() as third:
        view = await world.settled(poison)
        assert view.status == "quarantined"
        assert view.evidence is not None
        assert "3 workers died" in view.evidence
        assert "its own process died of signal 9" in view.evidence
        world.callees.gate.set()
        assert (await world.settled(innocent)).status == "succeeded"
        third.signal(signal.SIGTERM)
        assert await third.over() == 0


async def test_no_isolated_run_outlives_its_worker(world: _World) -> None:
    asked = await world.queued(COMPUTE, takeovers=_SUSPICIOUS)
    async with world.processes.engine() as worker:
        await world.called(1)
        (child,) = worker.children()
        worker.signal(signal.SIGKILL)
        await worker.over()

        async def died() -> bool:
            return not is_alive(child)

        await eventually(died)
    assert (await world.found(asked)).status == "running"


async def test_a_worker_that_stops_takes_its_isolated_runs_back_unblamed(world: _World) -> None:
    asked = await world.queued(COMPUTE, takeovers=_SUSPICIOUS)
    async with world.processes.engine() as worker:
        await world.called(1)
        worker.signal(signal.SIGTERM)
        assert await worker.over() == 0
    found = await world.found(asked)
    assert found.status == "queued"
    assert await world.takeovers(asked) == 0, "its first node was progress, and nobody died since"
    assert {effect.epoch for effect in world.callees.effects} == {2}, "claimed, then handed over"


async def test_an_isolated_run_hears_its_commands(world: _World) -> None:
    asked = await world.queued(COMPUTE, takeovers=_SUSPICIOUS)
    async with world.processes.engine():
        await world.called(1)
        command = AbortRun(tenant_id=TENANT, run_id=asked.run_id, command_id=uuid4())
        await world.bus.request(ABORT_RUN, command, envelope=Envelope(tenant_id=TENANT), timeout=10)
        assert (await world.settled(asked)).status == "stopped"
