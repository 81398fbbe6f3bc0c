"""A command from its row to its event, and who is woken for it and for what is queued."""

import asyncio
from uuid import UUID, uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AbortRun, AcceptRun, Doorbell, PauseRun
from libs.common.contracts.subjects import RUN_DOORBELL
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.ports.parking_store import Parked
from services.engine.app.runs.command_run import CommandRun
from services.engine.app.runs.drain_commands import drain_commands
from services.engine.app.runs.wake_run import RunWaker
from services.engine.infra.command_channels.in_memory_channel import InMemoryCommandChannel
from services.engine.infra.in_memory.command_store import InMemoryCommandStore
from services.engine.infra.in_memory.engine_state import EngineState, RunRow
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from services.engine.infra.in_memory.parking_store import InMemoryParkingStore
from tests.support.engine_callees import Callees
from tests.support.engine_harness import TENANT, Cluster, eventually, in_memory_cluster, with_worker
from tests.support.engine_nodes import chain


async def test_a_command_is_drained_once_its_event_is_durable_and_not_before(
    cluster: Cluster, callees: Callees
) -> None:
    callees.gate.clear()
    asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
    engine, stores = cluster.replicas[0].engine, cluster.replicas[0].stores
    await engine.use_cases.accept.execute(asked)
    await asyncio.wait_for(callees.arrived.wait(), 5)
    assert isinstance(stores.writer, InMemoryJournal)
    stores.writer.gate.clear()
    await engine.use_cases.command.send(
        PauseRun(tenant_id=TENANT, run_id=asked.run_id, command_id=uuid4())
    )
    driver = engine.worker.driver_of(asked.run_id)
    assert driver is not None
    for _ in range(2):
        await drain_commands(stores.commands, driver.claim, driver)
    assert len(await stores.commands.undrained(TENANT, asked.run_id)) == 1
    stores.writer.gate.set()

    async def drained() -> bool:
        return not await stores.commands.undrained(TENANT, asked.run_id)

    await eventually(drained)
    callees.gate.set()


async def test_a_doorbell_rings_for_a_run_that_a_command_queues() -> None:
    state, bus = EngineState(SystemClock()), InMemoryBus(clock=SystemClock())
    worker, rung = uuid4(), asyncio.Queue[UUID]()

    async def heard(bell: Doorbell, _envelope: Envelope) -> None:
        rung.put_nowait(bell.run_id)

    await bus.consume(RUN_DOORBELL, heard, durable="workers")
    request = AcceptRun(tenant_id=TENANT, run_id=uuid7(), app_id=uuid4(), workflow_hash="0" * 64)
    row = RunRow(request=request, accepted_at=0.0, status="queued")
    state.add(row)
    claim = row.claimed_by(worker, 0.0)
    assert await InMemoryParkingStore(state).park(worker, claim, (), ()) is Parked.PARKED
    commands = CommandRun(InMemoryCommandStore(state), RunWaker(InMemoryCommandChannel(), bus))
    told = await commands.send(AbortRun(tenant_id=TENANT, run_id=claim.run_id, command_id=uuid4()))
    assert (told.accepted, told.run_status) == (True, "queued")
    assert await asyncio.wait_for(rung.get(), 5) == claim.run_id
    await bus.close()


async def test_a_doorbell_rings_for_a_run_that_nobody_here_has_room_for(bus: InMemoryBus) -> None:
    rung = asyncio.Queue[UUID]()

    async def heard(bell: Doorbell, _envelope: Envelope) -> None:
        rung.put_nowait(bell.run_id)

    async with in_memory_cluster(bus) as cluster:
        full = await cluster.replica(with_worker(capacity=0), serve=False)
        await bus.consume(RUN_DOORBELL, heard, durable="workers")
        asked = await cluster.asked(chain({"type": "pass"}))
        accepted = await full.engine.use_cases.accept.execute(asked)
        assert accepted.status == "queued"
        assert await asyncio.wait_for(rung.get(), 5) == asked.run_id
