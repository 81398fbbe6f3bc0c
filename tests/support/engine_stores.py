"""The engine's stores, in memory and in Postgres, behind one face for tests."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.form_deliveries import FormOpened
from libs.common.contracts.run_commands import AcceptRun, RunEnded
from libs.common.contracts.subjects import FORM_OPENED
from libs.common.contracts.workflows import WorkflowDefinition
from libs.common.database.asyncpg_pool import create_pool
from libs.common.database.outbox_rows import OutboxRows
from libs.common.identifiers import uuid7
from services.engine.app.ports.command_store import CommandStore
from services.engine.app.ports.conversation_store import ConversationStore
from services.engine.app.ports.form_store import FormStore
from services.engine.app.ports.journal_store import (
    Append,
    JournalReader,
    JournalWriter,
    VariableChange,
    Verdict,
)
from services.engine.app.ports.parking_store import ParkingStore
from services.engine.app.ports.run_store import Claim, RunStore
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.app.ports.worker_leases import WorkerLeases
from services.engine.app.ports.workflow_store import WorkflowStore
from services.engine.app.runs.run_outcome import run_ended
from services.engine.app.runs.run_started import run_started
from services.engine.domain.events.journal import JournalEvent, RunFinished
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
from services.engine.infra.postgres.command_store import PostgresCommandStore
from services.engine.infra.postgres.conversation_store import PostgresConversationStore
from services.engine.infra.postgres.form_store import PostgresFormStore
from services.engine.infra.postgres.journal_reader import PostgresJournalReader
from services.engine.infra.postgres.journal_store import GroupCommitter
from services.engine.infra.postgres.parking_store import PostgresParkingStore
from services.engine.infra.postgres.run_store import PostgresRunStore
from services.engine.infra.postgres.snapshot_store import PostgresSnapshotStore
from services.engine.infra.postgres.worker_leases import PostgresWorkerLeases
from services.engine.infra.postgres.workflow_store import PostgresWorkflowStore
from tests.support.databases import FreshDatabase

HASH = "0" * 64
DEFINITION = WorkflowDefinition(mode="workflow", graph={"nodes": [], "edges": []})


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStores:
    """What two workers see of one store. `writers` are the workers' own journals. `facts` takes
    away what the outbox holds of forms."""

    runs: RunStore
    limited_runs: RunStore
    commands: CommandStore
    leases: WorkerLeases
    workflows: WorkflowStore
    reader: JournalReader
    snapshots: SnapshotStore
    conversations: ConversationStore
    parking: ParkingStore
    forms: FormStore
    workers: tuple[UUID, UUID]
    writers: tuple[JournalWriter, JournalWriter]
    facts: Callable[[], Awaitable[list[FormOpened]]]

    async def write(
        self,
        claim: Claim,
        first_seq: int,
        events: list[JournalEvent],
        *,
        by: int = 0,
        progressed: bool = False,
        ending: RunEnded | None = None,
        conversation_id: UUID | None = None,
        changes: dict[str, VariableChange] | None = None,
    ) -> Verdict:
        """Have worker `by` append `events`, and wait for the verdict."""
        told: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

        def settled(_: Append, verdict: Verdict, reason: str) -> None:
            told.set_result(verdict)

        append = Append(
            tenant_id=claim.tenant_id,
            run_id=claim.run_id,
            epoch=claim.epoch,
            first_seq=first_seq,
            settled=settled,
            events=events,
            progressed=progressed,
            ending=ending,
            conversation_id=conversation_id,
            changes=changes,
        )
        self.writers[by].submit(append)
        async with asyncio.timeout(5):
            return await told


def request(tenant_id: UUID, *, app_id: UUID | None = None) -> AcceptRun:
    """A run of the registered workflow."""
    return AcceptRun(
        tenant_id=tenant_id, run_id=uuid7(), app_id=app_id or uuid4(), workflow_hash=HASH
    )


async def finish(stores: EngineStores, claim: Claim) -> None:
    """Have worker 0 end the run well, in its first commit."""
    started = run_started(claim.request, now=1.0)
    finished = RunFinished(
        at=2.0,
        status="succeeded",
        outputs={},
        error=None,
        total_tokens=0,
        total_steps=0,
        exceptions_count=0,
        usage={},
    )
    ending = run_ended(claim, finished, error=None, started_at=1.0, answer="", open_keys=())
    assert await stores.write(claim, 1, [started, finished], ending=ending) is Verdict.TAKEN


@asynccontextmanager
async def in_memory_stores() -> AsyncGenerator[EngineStores]:
    state = EngineState(SystemClock())
    workers = (uuid4(), uuid4())
    journals = (InMemoryJournal(state, workers[0]), InMemoryJournal(state, workers[1]))

    async def facts() -> list[FormOpened]:
        return [fact for fact in state.outbox if isinstance(fact, FormOpened)]

    async with _running(*journals):
        yield EngineStores(
            runs=InMemoryRunStore(state),
            limited_runs=InMemoryRunStore(state, group_limit=1),
            commands=InMemoryCommandStore(state),
            leases=InMemoryWorkerLeases(state),
            workflows=InMemoryWorkflowStore(state),
            reader=journals[0],
            snapshots=InMemorySnapshotStore(state),
            conversations=InMemoryConversationStore(state),
            parking=InMemoryParkingStore(state),
            forms=InMemoryFormStore(state),
            workers=workers,
            writers=journals,
            facts=facts,
        )


@asynccontextmanager
async def postgres_stores(database: FreshDatabase) -> AsyncGenerator[EngineStores]:
    workers = (uuid4(), uuid4())
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await create_pool(database.url))
        sweeper = await stack.enter_async_context(await create_pool(database.sweeper_url))
        writers = (GroupCommitter(pool, workers[0]), GroupCommitter(pool, workers[1]))
        outbox = OutboxRows(pool, sweeper, "engine")

        async def facts() -> list[FormOpened]:
            waiting = await outbox.tenants_waiting(10)
            claimed = await outbox.claim(waiting, 100, timedelta(minutes=1)) if waiting else []
            return [
                FormOpened.model_validate_json(each.row.body)
                for each in claimed
                if each.row.subject == FORM_OPENED.name
            ]

        await stack.enter_async_context(_running(*writers))
        yield EngineStores(
            runs=PostgresRunStore(pool, sweeper),
            limited_runs=PostgresRunStore(pool, sweeper, group_limit=1),
            commands=PostgresCommandStore(pool, sweeper),
            leases=PostgresWorkerLeases(pool),
            workflows=PostgresWorkflowStore(pool),
            reader=PostgresJournalReader(pool),
            snapshots=PostgresSnapshotStore(pool),
            conversations=PostgresConversationStore(pool),
            parking=PostgresParkingStore(pool, sweeper),
            forms=PostgresFormStore(pool),
            workers=workers,
            writers=writers,
            facts=facts,
        )


@asynccontextmanager
async def _running(*writers: InMemoryJournal | GroupCommitter) -> AsyncGenerator[None]:
    tasks = [asyncio.ensure_future(writer.run()) for writer in writers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
