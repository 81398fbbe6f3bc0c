"""Engine replicas over one store and one bus, that can be killed and frozen."""

# Crashes and freezes have no door of their own.
# pyright: reportPrivateUsage=false

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.forms import (
    FormsQuery,
    FormStatus,
    FormSubmitted,
    FormView,
    SubmitForm,
)
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_events import CommittedEvent, RunEventMessage
from libs.common.contracts.run_queries import RunEventsQuery, RunQuery, RunView
from libs.common.contracts.workflows import RegisterWorkflow, WorkflowDefinition
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.messaging.bus import Listener, MessageBus
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from services.engine.app.engine import Engine, EngineOptions, wire_engine
from services.engine.app.events.publish_events import EventPublisher
from services.engine.app.ports.command_channel import CommandChannel
from services.engine.app.ports.engine_stores import EngineStores
from services.engine.app.ports.environment_secrets import EnvironmentSecrets
from services.engine.app.ports.journal_store import Entry
from services.engine.app.runs.keep_lease import LeasePace
from services.engine.app.worker import WorkerOptions
from services.engine.bootstrap import engine_layers
from services.engine.domain.layers.layer_stack import LayerStack
from services.engine.infra.command_channels.nats_channel import NatsCommandChannel
from services.engine.infra.in_memory.command_store import InMemoryCommandStore
from services.engine.infra.in_memory.conversation_store import InMemoryConversationStore
from services.engine.infra.in_memory.engine_state import EngineState
from services.engine.infra.in_memory.form_store import InMemoryFormStore
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from services.engine.infra.in_memory.parking_store import InMemoryParkingStore
from services.engine.infra.in_memory.run_store import InMemoryRunStore
from services.engine.infra.in_memory.snapshot_store import InMemorySnapshotStore
from services.engine.infra.in_memory.worker_leases import InMemoryWorkerLeases
from services.engine.infra.in_memory.workflow_store import InMemoryWorkflowStore
from services.engine.infra.live_messages import encode_live
from services.engine.infra.postgres.engine_stores import postgres_stores
from services.engine.infra.postgres.journal_store import GroupCommitter
from services.engine.infra.postgres.run_store import PostgresRunStore
from services.engine.interface.nats.handlers import EngineHandlers
from tests.support.databases import FreshDatabase
from tests.support.engine_nodes import TEST_CATALOGUE

TENANT = UUID("00000000-0000-7000-8000-000000000001")
FAST = EngineOptions(
    worker=WorkerOptions(capacity=50, sweep=0.05, drain=0.0, hand_back=2.0),
    lease=LeasePace(lease=1.0, beat=0.1, margin=0.2),
    catalogue=TEST_CATALOGUE,
)
SecretsOf = Callable[[], EnvironmentSecrets]
StoresOf = Callable[[UUID], tuple[EngineStores, Coroutine[Any, Any, None]]]


@dataclass(slots=True, kw_only=True)
class Replica:
    """One engine process, as far as one process can play several."""

    engine: Engine
    stores: EngineStores
    bus: MessageBus
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @property
    def worker_id(self) -> UUID:
        return self.engine.worker.worker_id

    async def start(self) -> None:
        await self.engine.worker.start()
        handlers = EngineHandlers(self.engine.use_cases, self.engine.worker)
        await handlers.serve(self.bus)
        self.tasks.append(asyncio.ensure_future(self.engine.hear_wakes()))

    async def stop(self) -> None:
        """As on SIGTERM."""
        await self.engine.worker.stop()
        await _end(self.tasks)

    async def kill(self) -> None:
        """As on SIGKILL: nothing is handed back, nothing more is written or said."""
        worker = self.engine.worker
        running = [each.task for each in worker._driven.values()]
        await _end([*self.tasks, *worker._tasks, *running])
        if worker._lease._alarm is not None:
            worker._lease._alarm.cancel()

    async def expire(self) -> None:
        """Let the store forget this worker's lease, as if it had been frozen all the time."""
        await self.stores.leases.beat(self.worker_id, seconds=-1.0)


class Cluster:
    """Makes replicas and asks them."""

    def __init__(
        self, stores_of: StoresOf, bus: MessageBus, secrets: SecretsOf | None = None
    ) -> None:
        self._stores_of = stores_of
        self._secrets_of = secrets
        self.bus = bus
        self.channel: CommandChannel | None = None
        self.layers: LayerStack | None = None
        self.replicas: list[Replica] = []

    async def replica(self, options: EngineOptions = FAST, *, serve: bool = True) -> Replica:
        """A started one; `serve` False leaves it off the bus."""
        worker_id = uuid7()
        stores, writing = self._stores_of(worker_id)
        engine = wire_engine(
            worker_id,
            stores,
            self.bus,
            self.channel or NatsCommandChannel(self.bus),
            options,
            clock=SystemClock(),
            layers=self.layers or engine_layers(options),
            publisher=EventPublisher(self.bus, encode_live),
            secrets=self._secrets_of() if self._secrets_of else None,
            on_end=lambda _: None,
        )
        made = Replica(engine=engine, stores=stores, bus=self.bus)
        made.tasks += [
            asyncio.ensure_future(writing),
            asyncio.ensure_future(engine.publisher.run()),
        ]
        self.replicas.append(made)
        if serve:
            await made.start()
        else:
            await engine.worker.start()
        return made

    async def register(self, definition: WorkflowDefinition) -> str:
        """Its content hash."""
        message = RegisterWorkflow(tenant_id=TENANT, definition=definition)
        report = await self.replicas[0].engine.use_cases.register.execute(message)
        assert not report.errors
        return report.content_hash

    async def asked(self, definition: WorkflowDefinition, **more: Any) -> AcceptRun:
        """A run of `definition`, not yet accepted."""
        workflow_hash = await self.register(definition)
        base = AcceptRun(
            tenant_id=TENANT, run_id=uuid7(), app_id=uuid4(), workflow_hash=workflow_hash
        )
        return base.model_copy(update=more)

    async def view(self, run_id: UUID) -> RunView:
        query = RunQuery(tenant_id=TENANT, run_id=run_id)
        return await self.replicas[0].engine.use_cases.read.view(query)

    async def ended(self, run_id: UUID, *, within: float = 10.0) -> RunView:
        """The run's view once it has a status that stays."""

        async def over() -> bool:
            return (await self.view(run_id)).status not in ("queued", "running", "parked")

        await eventually(over, within=within)
        return await self.view(run_id)

    async def parked(self, run_id: UUID) -> None:
        """Wait until nobody owns the run any more."""

        async def nobodys() -> bool:
            found = await self.replicas[0].stores.runs.find(TENANT, run_id)
            return found.status == "parked"

        await eventually(nobodys)

    async def forms(self, run_id: UUID, status: FormStatus = "open") -> list[FormView]:
        """Oldest first."""
        query = FormsQuery(tenant_id=TENANT, run_id=run_id, status=status)
        return [*(await self.replicas[0].engine.use_cases.forms.list(query)).forms][::-1]

    async def answer(self, form_id: UUID, action: str = "source", **more: Any) -> FormSubmitted:
        """Answer a form of `engine_nodes.form`."""
        answer = SubmitForm(
            tenant_id=TENANT,
            form_id=form_id,
            command_id=uuid7(),
            action=action,
            inputs={"why": "so"},
            actor="ann",
        )
        return await self.replicas[-1].engine.use_cases.submit.execute(
            answer.model_copy(update=more)
        )

    async def events(self, run_id: UUID) -> tuple[CommittedEvent, ...]:
        query = RunEventsQuery(tenant_id=TENANT, run_id=run_id)
        return (await self.replicas[0].engine.use_cases.read.events(query)).events

    async def journal(self, run_id: UUID) -> list[Entry]:
        return [*await self.replicas[0].stores.reader.read(TENANT, run_id)]

    async def close(self) -> None:
        for replica in self.replicas:
            await replica.kill()


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = 10.0) -> None:
    """Wait until `holds()`; for states of a store that tells nobody of its changes."""
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - a row tells nobody that it changed
            await asyncio.sleep(0.01)


async def heard(listener: Listener[RunEventMessage], kind: str) -> list[Any]:
    """Live events up to the first of `kind`."""
    found: list[Any] = []
    while not found or found[-1].kind != kind:
        message = await listener.next(timeout=10.0)
        assert message is not None, f"no {kind} among {[event.kind for event in found]}"
        found.extend(message.events)
    return found


def with_worker(**changes: Any) -> EngineOptions:
    return replace(FAST, worker=replace(FAST.worker, **changes))


@asynccontextmanager
async def in_memory_cluster(bus: MessageBus) -> AsyncGenerator[Cluster]:
    state = EngineState(SystemClock())

    def stores_of(worker_id: UUID) -> tuple[EngineStores, Coroutine[Any, Any, None]]:
        journal = InMemoryJournal(state, worker_id)
        stores = EngineStores(
            runs=InMemoryRunStore(state),
            commands=InMemoryCommandStore(state),
            leases=InMemoryWorkerLeases(state),
            workflows=InMemoryWorkflowStore(state),
            reader=journal,
            writer=journal,
            snapshots=InMemorySnapshotStore(state),
            conversations=InMemoryConversationStore(state),
            parking=InMemoryParkingStore(state),
            forms=InMemoryFormStore(state),
        )
        return stores, journal.run()

    cluster = Cluster(stores_of, bus)
    try:
        yield cluster
    finally:
        await cluster.close()


@asynccontextmanager
async def postgres_cluster(
    database: FreshDatabase,
    bus: MessageBus,
    *,
    sealing: RunSealing | None = None,
    secrets: SecretsOf | None = None,
    objects: ObjectStore | None = None,
    group_limit: int | None = None,
) -> AsyncGenerator[Cluster]:
    """`secrets` makes each replica's own source of secret environment values. `objects` None:
    large events stand in their rows. `group_limit`: of one app's running runs."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await create_pool(database.url))
        sweeper = await stack.enter_async_context(await create_pool(database.sweeper_url))

        def stores_of(worker_id: UUID) -> tuple[EngineStores, Coroutine[Any, Any, None]]:
            committer = GroupCommitter(pool, worker_id, sealing=sealing, objects=objects)
            runs = PostgresRunStore(
                pool, sweeper, group_limit=group_limit, sealing=sealing, objects=objects
            )
            stores = postgres_stores(
                pool, sweeper, committer, sealing=sealing, objects=objects, runs=runs
            )
            return stores, committer.run()

        cluster = Cluster(stores_of, bus, secrets)
        try:
            yield cluster
        finally:
            await cluster.close()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
