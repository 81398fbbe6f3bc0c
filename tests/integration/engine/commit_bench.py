"""One worker's group committer over a real Postgres, and the function behind it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

from libs.common.contracts.run_commands import RunEnded
from libs.common.database.asyncpg_pool import Pool, create_pool
from libs.common.database.connection_options import ConnectionOptions
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.run_started import run_started
from services.engine.infra.postgres.journal_reader import PostgresJournalReader
from services.engine.infra.postgres.journal_store import GroupCommitter
from services.engine.infra.postgres.run_store import PostgresRunStore
from services.engine.infra.postgres.worker_leases import PostgresWorkerLeases
from services.engine.infra.postgres.workflow_store import PostgresWorkflowStore
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import TENANT, eventually
from tests.support.engine_stores import DEFINITION, HASH, request

COMMIT = f"SELECT engine.commit_batch({', '.join(f'${place}' for place in range(1, 15))})"
_WAITERS = """
SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"""


@dataclass(slots=True)
class CommitBench:
    """One worker's committer with the sizes of the groups it wrote."""

    pool: Pool
    runs: PostgresRunStore
    leases: PostgresWorkerLeases
    reader: PostgresJournalReader
    committer: GroupCommitter
    worker: UUID
    groups: list[int]

    async def claim(self) -> Claim:
        accepted = await self.runs.accept(request(TENANT), worker=self.worker)
        assert accepted.claim is not None
        return accepted.claim

    def submit(
        self, claim: Claim, *, ending: RunEnded | None = None, progressed: bool = False
    ) -> asyncio.Future[Verdict]:
        """The first append of a run; its verdict."""
        told: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

        def settled(_: Append, verdict: Verdict, reason: str) -> None:
            told.set_result(verdict)

        self.committer.submit(
            Append(
                tenant_id=TENANT,
                run_id=claim.run_id,
                epoch=claim.epoch,
                first_seq=1,
                settled=settled,
                events=[run_started(claim.request, now=1.0)],
                ending=ending,
                progressed=progressed,
            )
        )
        return told


@asynccontextmanager
async def commit_bench(
    database: FreshDatabase, options: ConnectionOptions | None = None
) -> AsyncGenerator[CommitBench]:
    async with (
        await create_pool(database.url, options) as pool,
        await create_pool(database.sweeper_url) as sweeper,
    ):
        worker = uuid4()
        groups: list[int] = []
        committer = GroupCommitter(
            pool, worker, on_commit=lambda group: groups.append(len(group.appends))
        )
        leases = PostgresWorkerLeases(pool)
        await leases.beat(worker, seconds=60.0)
        await PostgresWorkflowStore(pool).put(TENANT, HASH, DEFINITION)
        writing = asyncio.ensure_future(committer.run())
        yield CommitBench(
            pool=pool,
            runs=PostgresRunStore(pool, sweeper),
            leases=leases,
            reader=PostgresJournalReader(pool),
            committer=committer,
            worker=worker,
            groups=groups,
        )
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


def ended(claim: Claim) -> RunEnded:
    """A good end of the run."""
    return RunEnded(
        tenant_id=TENANT,
        run_id=claim.run_id,
        app_id=claim.request.app_id,
        epoch=claim.epoch,
        status="succeeded",
        created_at=1.0,
        finished_at=2.0,
    )


def batch(
    worker: UUID, claims: Sequence[Claim], batch_id: int, *, ending: UUID | None = None
) -> tuple[object, ...]:
    """Arguments of COMMIT: the first row of each run, all under one batch id. With `ending`, the id
    of an outbox row, the first run ends."""
    runs = [claim.run_id for claim in claims]
    ones = [1 for _ in runs]
    ends: tuple[object, ...] = ([], [], [], [])
    if ending is not None:
        outcome = ended(claims[0]).model_dump_json().encode()
        ends = ([1], ["succeeded"], [outcome], [ending])
    return (
        worker, [TENANT for _ in runs], runs, [claim.epoch for claim in claims], ones, ones,
        [batch_id for _ in runs], [b"[]" for _ in runs], [], *ends, "engine.ended.main",
    )  # fmt: skip


async def blocked(holder: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until somebody waits for a lock of `holder`."""

    async def somebody_waits() -> bool:
        return bool(await holder.fetchval(_WAITERS))

    await eventually(somebody_waits)
