"""Parked runs and their timers as rows. The functions of the migration do the work."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from services.engine.app.ports.parking_store import Parked, WokenRun
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Timer
from services.engine.infra.postgres.statements import Statements

_PARK = "SELECT engine.park_run($1, $2, $3, $4, $5, $6, $7) AS verdict"
# Not clock_timestamp(): a volatile function is asked for every row that the index has.
_DUE = """
SELECT tenant_id, run_id FROM engine.run_timers WHERE due_at <= now() ORDER BY due_at LIMIT $1"""
_FIRE = "SELECT * FROM engine.fire_timers($1, $2)"


class PostgresParkingStore:
    """Implements ParkingStore. `pool` signs in as heddle_app, `sweeper` as heddle_sweeper."""

    def __init__(self, pool: Pool, sweeper: Pool) -> None:
        self._statements = Statements(pool)
        self._sweeps = Statements(sweeper)

    async def park(
        self, worker: UUID, claim: Claim, timers: Sequence[Timer], done: Sequence[UUID]
    ) -> Parked:
        rows = await self._statements.fetch(
            _PARK,
            worker,
            claim.tenant_id,
            claim.run_id,
            claim.epoch,
            [*done],
            [timer.timer_id for timer in timers],
            [timer.due for timer in timers],
        )
        return Parked(rows[0]["verdict"])

    async def fire_due(self, most: int) -> list[WokenRun]:
        due = await self._sweeps.fetch(_DUE, most)
        if not due:
            return []
        rows = await self._statements.fetch(
            _FIRE, [row["tenant_id"] for row in due], [row["run_id"] for row in due]
        )
        return [
            WokenRun(row["tenant_id"], row["run_id"], row["status"], row["epoch"]) for row in rows
        ]
