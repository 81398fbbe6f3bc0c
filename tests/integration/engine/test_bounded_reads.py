"""No statement reads more than it needs, however much there is beside it.

Tables without statistics are the harder case: there Postgres takes any two conditions for as
selective as a key. A plan is also kept that was made for another call.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.forms import FormsQuery
from libs.common.contracts.run_commands import AbortRun, RunStatus
from libs.common.contracts.run_queries import RunsQuery
from libs.common.database.outbox_rows import OutboxRows
from libs.common.identifiers import uuid7
from services.engine.app.ports.run_store import FIRST_GROUP, Claim, Group
from services.engine.infra.postgres.command_store import PostgresCommandStore
from services.engine.infra.postgres.form_store import PostgresFormStore
from services.engine.infra.postgres.journal_reader import PostgresJournalReader
from services.engine.infra.postgres.parking_store import PostgresParkingStore
from services.engine.infra.postgres.run_store import PostgresRunStore
from services.engine.infra.postgres.snapshot_store import PostgresSnapshotStore
from services.engine.infra.postgres.worker_leases import PostgresWorkerLeases
from services.engine.infra.postgres.workflow_store import PostgresWorkflowStore
from tests.support.databases import FreshDatabase
from tests.support.engine_stores import DEFINITION, HASH, request
from tests.support.rows_read import RowsRead, rows_read

_RUNS = 10_000
_BUSY, _QUIET = UUID(int=10), UUID(int=11)
"""Tenants: one has everything below, the other nothing."""
_APP = UUID(int=1)
_OTHER = UUID(int=77)
"""A living worker that owns every running run."""
_FEW = 60
_FILL = f"""
CREATE TEMP TABLE made AS
SELECT n, uuidv7(make_interval(secs => -({_RUNS} - n) * 0.01)) AS id
FROM generate_series(1, {_RUNS}) n;
INSERT INTO engine.workers VALUES ('{_OTHER}', 'infinity');
INSERT INTO engine.runs (
    tenant_id, run_id, app_id, shard, status, epoch, owner, workflow_hash, request, accepted_at)
SELECT '{_BUSY}', id, '{_APP}', 0, status, CASE WHEN status = 'queued' THEN 0 ELSE 1 END,
    CASE WHEN status = 'running' THEN '{_OTHER}'::uuid END, '{HASH}',
    convert_to(json_build_object('tenant_id', '{_BUSY}', 'run_id', id, 'app_id', '{_APP}',
        'workflow_hash', '{HASH}')::text, 'UTF8'), now() - make_interval(secs => {_RUNS} - n)
FROM (SELECT n, id, (ARRAY['queued', 'running', 'parked', 'succeeded'])[n % 4 + 1] AS status
      FROM made) AS runs;
INSERT INTO engine.journal SELECT '{_BUSY}', id, 1, 2, 1, n, 'x' FROM made;
INSERT INTO engine.snapshots SELECT '{_BUSY}', id, 1, 2, 0, 'x' FROM made;
INSERT INTO engine.run_commands (tenant_id, run_id, command_id, kind, body)
SELECT '{_BUSY}', id, gen_random_uuid(), 'pause', 'x' FROM made WHERE n % 4 = 0;
INSERT INTO engine.run_timers SELECT '{_BUSY}', id, 'wait', '', now() + interval '1 day' FROM made;
INSERT INTO engine.forms (
    tenant_id, form_id, run_id, app_id, node_id, frame_path, effect_key, status, title, digest,
    shown, expires_at)
SELECT '{_BUSY}', gen_random_uuid(), id, '{_APP}', 'n', '', n, 'submitted', '', '', 'x', now()
FROM made;
INSERT INTO engine.outbox (id, tenant_id, subject, body, sent_at)
SELECT id, '{_BUSY}', 's', 'x', CASE WHEN n % 2 = 0 THEN now() END FROM made;
"""


@pytest.fixture
async def reads(migrated_database: FreshDatabase) -> AsyncIterator[RowsRead]:
    async with rows_read(migrated_database) as found:
        await found.without_statistics("engine")
        await found.admin.execute(_FILL)
        for tenant in (_BUSY, _QUIET):
            await PostgresWorkflowStore(found.pool).put(tenant, HASH, DEFINITION)
        yield found


@pytest.fixture
async def worker(reads: RowsRead) -> UUID:
    made = uuid4()
    await PostgresWorkerLeases(reads.pool).beat(made, seconds=600.0)
    return made


async def _of_status(reads: RowsRead, status: str) -> list[UUID]:
    rows = await reads.admin.fetch("SELECT run_id FROM engine.runs WHERE status = $1", status)
    return [row["run_id"] for row in rows]


async def _check(reads: RowsRead, cases: dict[str, Callable[[], Awaitable[object]]]) -> None:
    found = {name: await reads.most(work) for name, work in cases.items()}
    assert {name: read for name, read in found.items() if read > _FEW} == {}


async def test_accepting_and_picking_read_their_own_runs(reads: RowsRead, worker: UUID) -> None:
    runs = PostgresRunStore(reads.pool, reads.sweeper)
    limited = PostgresRunStore(reads.pool, reads.sweeper, group_limit=5)
    busy, behind = Group(_BUSY, _APP), Group(_BUSY, UUID(int=2))
    await _check(
        reads,
        {
            "accept": lambda: runs.accept(request(_QUIET), worker=worker),
            "accept behind others": lambda: runs.accept(request(_BUSY, app_id=_APP), worker=worker),
            "accept within a limit": lambda: limited.accept(request(_BUSY), worker=worker),
            "groups": lambda: runs.queued_groups(after=FIRST_GROUP, most=64),
            "groups behind": lambda: runs.queued_groups(after=behind, most=64),
            "groups but one": lambda: runs.queued_groups(
                after=FIRST_GROUP, most=64, passing=[_BUSY]
            ),
            "claim": lambda: runs.claim_queued(worker, [busy]),
            "claim within a limit": lambda: limited.claim_queued(worker, [busy]),
        },
    )


async def test_the_sweep_reads_nothing_of_living_workers(reads: RowsRead, worker: UUID) -> None:
    runs = PostgresRunStore(reads.pool, reads.sweeper)
    commands = PostgresCommandStore(reads.pool, reads.sweeper)
    parking = PostgresParkingStore(reads.pool, reads.sweeper)
    await _check(
        reads,
        {
            "orphans": lambda: runs.claim_orphaned(worker, driven=[], most=64),
            "commanded": lambda: commands.commanded_runs(worker),
            "due timers": lambda: parking.fire_due(64),
        },
    )


async def test_a_takeover_reads_the_runs_it_takes(reads: RowsRead, worker: UUID) -> None:
    runs = PostgresRunStore(reads.pool, reads.sweeper)
    dead = uuid4()
    ids = (await _of_status(reads, "running"))[:200]
    await reads.admin.execute(
        "UPDATE engine.runs SET owner = $1 WHERE run_id = ANY ($2)", dead, ids
    )
    taken = 20

    async def take() -> None:
        assert len(await runs.claim_orphaned(worker, driven=None, most=taken)) == taken

    # Entries of earlier owners are read until Postgres has marked them dead.
    assert await reads.most(take) <= 3 * len(ids)


async def test_what_is_asked_of_one_run_reads_that_run(reads: RowsRead) -> None:
    runs = PostgresRunStore(reads.pool, reads.sweeper)
    commands = PostgresCommandStore(reads.pool, reads.sweeper)
    journal = PostgresJournalReader(reads.pool)
    run_id, *_ = await _of_status(reads, "parked")
    running, *_ = await _of_status(reads, "running")
    claim = Claim(epoch=1, request=request(_BUSY).model_copy(update={"run_id": running}),
                  accepted_at=0.0)  # fmt: skip
    abort = AbortRun(tenant_id=_BUSY, run_id=run_id, command_id=uuid7(), reason="")
    await _check(
        reads,
        {
            "find": lambda: runs.find(_BUSY, run_id),
            "abort": lambda: commands.add(abort),
            "drained": lambda: commands.drained(_BUSY, run_id, [uuid4()]),
            "set aside": lambda: runs.set_aside(uuid4(), claim, "quarantined", ""),
            "journal": lambda: journal.newest(_BUSY, run_id, before=None, rows=0),
            "snapshot": lambda: PostgresSnapshotStore(reads.pool).newest(_BUSY, run_id),
        },
    )


async def test_lists_of_forms_read_what_they_show(reads: RowsRead) -> None:
    """With statistics: without any, every way to a tenant's forms looks as short as the others."""
    await reads.admin.execute("ANALYZE engine.forms, engine.runs")
    run_id, *_ = await _of_status(reads, "parked")
    forms = PostgresFormStore(reads.pool)
    await _check(
        reads,
        {
            "forms": lambda: forms.list(FormsQuery(tenant_id=_BUSY, limit=10)),
            "forms of a run": lambda: forms.list(FormsQuery(tenant_id=_BUSY, run_id=run_id)),
            "open forms": lambda: forms.list(FormsQuery(tenant_id=_BUSY, status="open", limit=10)),
            "forms of another app": lambda: forms.list(
                FormsQuery(tenant_id=_BUSY, app_id=UUID(int=5), limit=10)
            ),
        },
    )


@pytest.mark.parametrize("status", ["queued", "running", "parked", "quarantined"])
async def test_a_list_of_runs_reads_none_that_is_otherwise(
    reads: RowsRead, status: RunStatus
) -> None:
    runs = PostgresRunStore(reads.pool, reads.sweeper)
    query = RunsQuery(tenant_id=_BUSY, status=status, limit=20)
    of_status = len(await _of_status(reads, status))
    assert await reads.most(lambda: runs.summaries(query)) <= of_status + _FEW


async def test_the_relay_reads_what_it_sends(reads: RowsRead) -> None:
    rows = OutboxRows(reads.pool, reads.sweeper, "engine")
    batches = count(1)

    async def claim() -> None:
        found = await rows.claim([_BUSY, _QUIET], 10, timedelta(seconds=30))
        assert len(found) == 10, next(batches)

    await _check(
        reads,
        {
            "tenants": lambda: rows.tenants_waiting(1000),
            "clear": lambda: rows.clear_sent(timedelta(hours=1)),
        },
    )
    # Those that were claimed before stand first, until they are due again.
    assert await reads.most(claim) <= 8 * 10 + 10 * 8
