"""What a process does that carries one run, as far as one process can play it."""

# The stores of another incarnation have no door of their own.
# pyright: reportPrivateUsage=false

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.run_commands import AbortRun, AcceptRun
from libs.common.errors import Unavailable
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.effects.child_runs import ChildPorts
from services.engine.app.effects.dispatch_effect import EffectDispatcher
from services.engine.app.events.publish_events import EventPublisher
from services.engine.app.ports.environment_secrets import NoSecrets
from services.engine.app.ports.run_store import FIRST_GROUP
from services.engine.app.runs.carry_alone import LonePorts, LoneRun
from services.engine.app.runs.carry_run import CarrierPorts, RunCarrier, Suspicion
from services.engine.app.runs.driver_ports import DriverPorts
from services.engine.app.runs.keep_lease import LeaseKeeper, LeasePace
from services.engine.app.runs.run_timers import LoopTimers
from services.engine.app.runs.stopped import Stopped
from services.engine.app.runs.wake_run import RunWaker
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.bootstrap import engine_layers
from services.engine.infra.command_channels.nats_channel import NatsCommandChannel
from services.engine.infra.live_messages import encode_live
from tests.support.engine_callees import Callees
from tests.support.engine_harness import FAST, TENANT, Cluster, in_memory_cluster, with_worker
from tests.support.engine_nodes import TEST_CATALOGUE, chain


class _World:
    """One queued run; the workers have no room for it. Its only call waits for the gate."""

    def __init__(self, cluster: Cluster, callees: Callees, asked: AcceptRun) -> None:
        self.cluster = cluster
        self.callees = callees
        self.asked = asked
        self.worker = uuid7()
        self.stores, self.writing = cluster._stores_of(self.worker)

    async def lone(self) -> LoneRun:
        stores, clock, bus = self.stores, SystemClock(), self.cluster.bus
        await stores.leases.beat(self.worker, seconds=30.0)
        groups = await stores.runs.queued_groups(after=FIRST_GROUP, most=1)
        (claim,) = await stores.runs.claim_queued(self.worker, groups)
        pace = LeasePace(lease=0.5, beat=0.1, margin=0.1)
        lease = LeaseKeeper(stores.leases, self.worker, clock=clock, pace=pace)
        drivers = DriverPorts(
            journal=stores.writer,
            publisher=EventPublisher(bus, encode_live),
            timers=LoopTimers(clock),
            effects=EffectDispatcher(bus, clock=clock, may_send=lease.is_safe),
            clock=clock,
            snapshots=stores.snapshots,
            forms=stores.forms,
            layers=engine_layers(FAST),
            children=ChildPorts(
                runs=stores.runs,
                workflows=CompiledWorkflows(stores.workflows, TEST_CATALOGUE),
                waker=RunWaker(NatsCommandChannel(bus), bus),
                clock=clock,
                on_child=lambda _: None,
            ),
        )
        ports = CarrierPorts(
            runs=stores.runs,
            journal=stores.reader,
            snapshots=stores.snapshots,
            commands=stores.commands,
            conversations=stores.conversations,
            parking=stores.parking,
            workflows=CompiledWorkflows(stores.workflows, TEST_CATALOGUE),
            secrets=NoSecrets(),
            drivers=drivers,
        )
        carrier = RunCarrier(self.worker, ports, Suspicion(), apart=None)
        alone = LonePorts(
            carrier=carrier,
            commands=stores.commands,
            lease=lease,
            channel=NatsCommandChannel(bus),
            clock=clock,
        )
        return LoneRun(claim, alone, look=0.02)

    async def status(self) -> str:
        return (await self.stores.runs.find(TENANT, self.asked.run_id)).status


@asynccontextmanager
async def _world() -> AsyncGenerator[_World]:
    bus = InMemoryBus(clock=SystemClock())
    callees = Callees()
    callees.gate.clear()
    await callees.serve(bus)
    async with in_memory_cluster(bus) as cluster:
        full = await cluster.replica(with_worker(capacity=0))
        asked = await cluster.asked(chain({"type": "compute", "code": "a"}))
        await full.engine.use_cases.accept.execute(asked)
        world = _World(cluster, callees, asked)
        writing = asyncio.ensure_future(world.writing)
        yield world
        writing.cancel()
    await bus.close()


async def test_it_drives_the_run_to_its_end() -> None:
    async with _world() as world:
        world.callees.gate.set()
        assert await (await world.lone()).carry(asyncio.Event()) is Stopped.ENDED
        assert await world.status() == "succeeded"


async def test_told_to_leave_it_stops_and_leaves_the_run_as_its_own() -> None:
    async with _world() as world:
        leave = asyncio.Event()
        carrying = asyncio.ensure_future((await world.lone()).carry(leave))
        await asyncio.wait_for(world.callees.arrived.wait(), 5)
        leave.set()
        assert await asyncio.wait_for(carrying, 5) is Stopped.LET_GO
        assert await world.status() == "running"
        assert await world.stores.reader.read(TENANT, world.asked.run_id)


async def test_it_finds_commands_whose_wake_up_got_lost() -> None:
    async with _world() as world:
        carrying = asyncio.ensure_future((await world.lone()).carry(asyncio.Event()))
        await asyncio.wait_for(world.callees.arrived.wait(), 5)
        command = AbortRun(tenant_id=TENANT, run_id=world.asked.run_id, command_id=uuid4())
        await world.stores.commands.add(command)
        assert await asyncio.wait_for(carrying, 5) is Stopped.ENDED
        assert await world.status() == "stopped"


async def test_it_stops_when_its_lease_lapses() -> None:
    async with _world() as world:
        carrying = asyncio.ensure_future((await world.lone()).carry(asyncio.Event()))
        await asyncio.wait_for(world.callees.arrived.wait(), 5)

        async def away(*_: object, **__: object) -> None:
            raise Unavailable("away")

        world.stores.leases.beat = away
        assert await asyncio.wait_for(carrying, 5) is Stopped.LET_GO
