"""A real engine worker with the benchmark's node types, and runs on it with a stopwatch."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis

from benchmarks.engine.audit import AUDIT, AuditQuestion
from benchmarks.engine.bench_nodes import BENCH_CATALOGUE
from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_commands import AcceptRun
from libs.common.contracts.run_limits import RunLimits
from libs.common.contracts.workflows import RegisterWorkflow, WorkflowDefinition
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from services.engine.app.engine import Engine, EngineOptions
from services.engine.app.ports.run_store import Claim
from services.engine.app.worker import WorkerOptions
from services.engine.bootstrap import start_engine
from services.engine.domain.events.journal import NodeSucceeded, RunFinished
from services.engine.infra.calm_collector import calm_collector
from services.engine.infra.postgres.journal_reader import PostgresJournalReader
from services.engine.infra.postgres.run_store import PostgresRunStore
from services.engine.infra.redis.delta_tail import RedisDeltaTail

_TENANT = uuid7()
_APP = uuid7()
_RUN_SECONDS = 120.0
_AUDIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RigUrls:
    """Where the servers are."""

    database: str
    sweeper: str
    nats: str
    redis: str
    objects: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """`milliseconds` from the claim to the committed end of the last run; `cpu` are seconds of this
    process until everything was published too."""

    milliseconds: float
    cpu: float


class _Ends:
    """Counts ends of runs, as the worker tells them."""

    def __init__(self) -> None:
        self._left = 0
        self._over = asyncio.Event()
        self.at = 0.0

    def expect(self, runs: int) -> None:
        self._left = runs
        self._over.clear()

    def told(self, _tenant_id: UUID) -> None:
        self._left -= 1
        if self._left == 0:
            self.at = time.perf_counter()
            self._over.set()

    async def all_told(self) -> None:
        async with asyncio.timeout(_RUN_SECONDS):
            await self._over.wait()


class EngineRig:
    """Runs workflows, and afterwards proves that each ran whole and was seen whole."""

    def __init__(
        self,
        engine: Engine,
        runs: PostgresRunStore,
        journal: PostgresJournalReader,
        bus: NatsBus,
        ends: _Ends,
    ) -> None:
        self._engine = engine
        self._runs = runs
        self._journal = journal
        self._bus = bus
        self._ends = ends
        self._ran: dict[UUID, int] = {}

    async def register(self, definition: WorkflowDefinition) -> str:
        """Its content hash."""
        message = RegisterWorkflow(tenant_id=_TENANT, definition=definition)
        report = await self._engine.use_cases.register.execute(message)
        assert not report.errors, report.errors
        return report.content_hash

    async def timed(self, workflow_hash: str, *, nodes: int, runs: int = 1) -> Timed:
        """Run the workflow `runs` times side by side; `nodes` are its nodes, the start included."""
        claims = [await self._claimed(workflow_hash) for _ in range(runs)]
        self._ran.update({claim.run_id: nodes for claim in claims})
        self._ends.expect(runs)
        cpu, began = time.process_time(), time.perf_counter()
        for claim in claims:
            self._engine.worker.take(claim)
        await self._ends.all_told()
        await self._engine.publisher.flushed()
        cpu = time.process_time() - cpu
        return Timed(milliseconds=(self._ends.at - began) * 1e3, cpu=cpu)

    async def audit(self) -> None:
        """Every run since the last audit: its whole journal is stored, and the reader saw it all.

        Raises AssertionError otherwise.
        """
        ran, self._ran = self._ran, {}
        for run_id, nodes in ran.items():
            events = [entry.event for entry in await self._journal.read(_TENANT, run_id)]
            done = sum(isinstance(event, NodeSucceeded) for event in events)
            last = events[-1]
            assert done == nodes, f"{run_id}: {done} of {nodes} nodes in the journal"
            assert isinstance(last, RunFinished), f"{run_id} ends with {last}"
            assert last.status == "succeeded", f"{run_id} ended {last.status}: {last.error}"
        answer = await self._bus.request(
            AUDIT,
            AuditQuestion(nodes=ran),
            envelope=Envelope(tenant_id=_TENANT),
            timeout=_AUDIT_SECONDS,
        )
        assert not answer.complaints, answer.complaints[:3]

    async def _claimed(self, workflow_hash: str) -> Claim:
        request = AcceptRun(
            tenant_id=_TENANT,
            run_id=uuid7(),
            app_id=_APP,
            workflow_hash=workflow_hash,
            limits=RunLimits(max_steps=100_000),
        )
        accepted = await self._runs.accept(request, worker=self._engine.worker.worker_id)
        assert accepted.claim is not None, accepted
        return accepted.claim


@asynccontextmanager
async def running_rig(urls: RigUrls) -> AsyncGenerator[EngineRig]:
    """The engine as its service starts it, but for HTTP."""
    async with Lifespan() as lifespan:
        pool = await create_pool(urls.database)
        lifespan.at_stop("database", pool.close)
        sweeper = await create_pool(urls.sweeper)
        lifespan.at_stop("sweeper", sweeper.close)
        worker_id = uuid7()
        bus = await lifespan.started(
            "bus",
            NatsBus(
                urls.nats,
                name="engine",
                object_store=open_object_store(urls.objects),
                instance=str(worker_id),
                clock=SystemClock(),
            ),
        )
        # redis-py leaves its keyword arguments untyped.
        redis = Redis.from_url(urls.redis)  # pyright: ignore[reportUnknownMemberType]
        lifespan.at_stop("redis", redis.aclose)
        ends = _Ends()
        engine = await start_engine(
            pool,
            sweeper,
            bus,
            EngineOptions(worker=WorkerOptions(capacity=1000), catalogue=BENCH_CATALOGUE),
            lifespan,
            worker_id=worker_id,
            tail=RedisDeltaTail(redis),
            on_end=ends.told,
        )
        calm_collector()
        journal = PostgresJournalReader(pool)
        yield EngineRig(engine, PostgresRunStore(pool, sweeper), journal, bus, ends)
