"""The whole engine over real Postgres and NATS, asked as the backend asks it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AbortRun, AcceptRun, RunEnded
from libs.common.contracts.run_queries import RunEventsQuery, RunQuery, RunView, TraceQuery
from libs.common.contracts.subjects import (
    ABORT_RUN,
    ACCEPT_RUN,
    REGISTER_WORKFLOW,
    RUN_ENDED,
    RUN_EVENTS,
    RUN_TRACE,
    RUN_VIEW,
    VALIDATE_WORKFLOW,
    run_live,
)
from libs.common.contracts.workflows import RegisterWorkflow, ValidateWorkflow, WorkflowDefinition
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from services.engine.app.engine import EngineOptions
from services.engine.app.errors import RunUnknown, WorkflowUnknown
from services.engine.bootstrap import start_engine
from tests.support.databases import FreshDatabase
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, TENANT, eventually, heard, with_worker
from tests.support.engine_nodes import chain

ENVELOPE = Envelope(tenant_id=TENANT)


class _World:
    """A database, a bus of the caller's own, and engines on request."""

    def __init__(self, database: FreshDatabase, nats_url: str, objects: Path) -> None:
        self._database = database
        self._nats_url = nats_url
        self._objects = objects
        self.caller = self.bus("caller")

    def bus(self, name: str) -> NatsBus:
        return NatsBus(
            self._nats_url,
            name=name,
            object_store=open_object_store(self._objects.as_uri()),
            instance=uuid4().hex,
            clock=SystemClock(),
        )

    @asynccontextmanager
    async def engine(self, options: EngineOptions = FAST) -> AsyncGenerator[None]:
        async with (
            await create_pool(self._database.url) as pool,
            await create_pool(self._database.sweeper_url) as sweeper,
            Lifespan() as lifespan,
        ):
            bus = await lifespan.started("bus", self.bus("engine"))
            await start_engine(pool, sweeper, bus, options, lifespan)
            yield

    async def asked(self, definition: WorkflowDefinition) -> AcceptRun:
        register = RegisterWorkflow(tenant_id=TENANT, definition=definition)
        report = await self.caller.request(
            REGISTER_WORKFLOW, register, envelope=ENVELOPE, timeout=5
        )
        return AcceptRun(
            tenant_id=TENANT, run_id=uuid7(), app_id=uuid4(), workflow_hash=report.content_hash
        )

    async def ended(self, asked: AcceptRun) -> RunView:
        query = RunQuery(tenant_id=TENANT, run_id=asked.run_id)

        async def over() -> bool:
            view = await self.caller.request(RUN_VIEW, query, envelope=ENVELOPE, timeout=5)
            return view.status not in ("queued", "running")

        await eventually(over)
        return await self.caller.request(RUN_VIEW, query, envelope=ENVELOPE, timeout=5)


@pytest.fixture
async def world(
    migrated_database: FreshDatabase, nats_url: str, tmp_path: Path
) -> AsyncIterator[_World]:
    made = _World(migrated_database, nats_url, tmp_path)
    await made.caller.start()
    yield made
    await made.caller.close()


async def test_a_run_from_acceptance_to_its_fact(world: _World) -> None:
    facts: asyncio.Queue[RunEnded] = asyncio.Queue()

    async def keep(message: RunEnded, _envelope: Envelope) -> None:
        facts.put_nowait(message)

    async with world.engine():
        await world.caller.consume(RUN_ENDED, keep, durable=f"test-{uuid4().hex}")
        asked = await world.asked(chain({"type": "nap", "seconds": 0.01}, {"type": "pass"}))
        async with world.caller.listen(run_live(TENANT, asked.run_id)) as listener:
            accepted = await world.caller.request(ACCEPT_RUN, asked, envelope=ENVELOPE, timeout=5)
            live = await heard(listener, "run_finished")
        again = await world.caller.request(ACCEPT_RUN, asked, envelope=ENVELOPE, timeout=5)
        page = await world.caller.request(
            RUN_EVENTS,
            RunEventsQuery(tenant_id=TENANT, run_id=asked.run_id, after_seq=live[1].seq, limit=2),
            envelope=ENVELOPE,
            timeout=5,
        )
        trace = await world.caller.request(
            RUN_TRACE,
            TraceQuery(tenant_id=TENANT, run_id=asked.run_id),
            envelope=ENVELOPE,
            timeout=5,
        )
        fact = await _fact_of(facts, asked)
    assert (accepted.already_known, again.already_known, again.status) == (
        False,
        True,
        "succeeded",
    )
    assert page.events == tuple(live[2:4])
    assert page.more
    assert (page.status, fact.status) == ("succeeded", "succeeded")
    assert [node.node_id for node in trace.nodes] == ["n0", "n1", "n2"]
    assert trace.run.last_public_seq == live[-1].seq


async def _fact_of(facts: "asyncio.Queue[RunEnded]", asked: AcceptRun) -> RunEnded:
    async with asyncio.timeout(10):
        while (fact := await facts.get()).run_id != asked.run_id:
            pass
        return fact


async def test_a_doorbell_wakes_a_worker_long_before_its_sweep(world: _World) -> None:
    async with world.engine(with_worker(capacity=1, sweep=3600.0)):
        first = await world.asked(chain({"type": "nap", "seconds": 0.3}))
        second = await world.asked(chain({"type": "pass"}))
        for asked in (first, second):
            await world.caller.request(ACCEPT_RUN, asked, envelope=ENVELOPE, timeout=5)
        async with world.engine(with_worker(sweep=3600.0)):
            third = await world.asked(chain({"type": "pass"}))
            await world.caller.request(ACCEPT_RUN, third, envelope=ENVELOPE, timeout=5)
            for asked in (first, second, third):
                assert (await world.ended(asked)).status == "succeeded"


async def test_any_replica_takes_the_abort_of_a_run(world: _World) -> None:
    callees = Callees()
    callees.gate.clear()
    await callees.serve(world.caller)
    slow = with_worker(sweep=3600.0)
    async with world.engine(slow), world.engine(slow):
        asked = await world.asked(chain({"type": "compute", "code": "a"}))
        await world.caller.request(ACCEPT_RUN, asked, envelope=ENVELOPE, timeout=5)
        await asyncio.wait_for(callees.arrived.wait(), 10)
        for _ in range(3):
            command = AbortRun(tenant_id=TENANT, run_id=asked.run_id, command_id=uuid4())
            await world.caller.request(ABORT_RUN, command, envelope=ENVELOPE, timeout=5)
        assert (await world.ended(asked)).status == "stopped"
    callees.gate.set()


async def test_errors_reach_the_caller_as_themselves(world: _World) -> None:
    async with world.engine():
        unknown = AcceptRun(
            tenant_id=TENANT, run_id=uuid7(), app_id=uuid4(), workflow_hash="f" * 64
        )
        with pytest.raises(WorkflowUnknown):
            await world.caller.request(ACCEPT_RUN, unknown, envelope=ENVELOPE, timeout=5)
        query = RunQuery(tenant_id=TENANT, run_id=uuid7())
        with pytest.raises(RunUnknown):
            await world.caller.request(RUN_VIEW, query, envelope=ENVELOPE, timeout=5)
        broken = ValidateWorkflow(definition=chain({"type": "no such type"}))
        report = await world.caller.request(VALIDATE_WORKFLOW, broken, envelope=ENVELOPE, timeout=5)
        assert report.errors
