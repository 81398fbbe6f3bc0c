"""Leases of workers as rows, by the database's clock."""

from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from services.engine.infra.postgres.statements import Statements

_MONTHS_AHEAD = 2


class PostgresWorkerLeases:
    """Implements WorkerLeases. `pool` signs in as heddle_app."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._statements = Statements(pool)

    async def beat(self, worker: UUID, *, seconds: float) -> None:
        # Not repeated here: the keeper counts the lease from before its question.
        with translated():
            await self._pool.fetch("SELECT engine.beat($1, $2)", worker, seconds)

    async def step_down(self, worker: UUID) -> None:
        # Deleted only without runs: a run left behind must still count as abandoned.
        await self._statements.fetch(
            "UPDATE engine.workers SET lease_until = '-infinity' WHERE worker_id = $1", worker
        )
        await self._statements.fetch(
            "DELETE FROM engine.workers WHERE lease_until < clock_timestamp() - interval '1 day'"
        )

    async def prepare_journal(self) -> None:
        await self._statements.fetch("SELECT engine.ensure_journal_months($1)", _MONTHS_AHEAD)
