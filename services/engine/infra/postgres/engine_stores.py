"""An engine's stores over Postgres."""

from collections.abc import Callable
from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from services.engine.app.ports.engine_stores import EngineStores
from services.engine.app.ports.run_store import RunStore
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


def postgres_stores(
    pool: Pool,
    sweeper: Pool,
    writer: GroupCommitter,
    *,
    sealing: RunSealing | None = None,
    objects: ObjectStore | None = None,
    runs: RunStore | None = None,
    on_fact: Callable[[UUID], None] = lambda _: None,
) -> EngineStores:
    """`pool` signs in as heddle_app, `sweeper` as heddle_sweeper. `sealing` None: what runs with
    secrets have stored cannot be read. `objects` None: neither can what `writer` and others have
    stored there, and nothing more is. `runs` None: a store that counts nothing and bounds no
    group. `on_fact` hears the tenant of what a form has put into the outbox."""
    return EngineStores(
        runs=runs or PostgresRunStore(pool, sweeper, sealing=sealing, objects=objects),
        commands=PostgresCommandStore(pool, sweeper, sealing),
        leases=PostgresWorkerLeases(pool),
        workflows=PostgresWorkflowStore(pool),
        reader=PostgresJournalReader(pool, sealing, objects),
        writer=writer,
        snapshots=PostgresSnapshotStore(pool, sealing, objects),
        conversations=PostgresConversationStore(pool, sealing),
        parking=PostgresParkingStore(pool, sweeper),
        forms=PostgresFormStore(pool, sealing, on_fact),
    )
