"""Commands to runs as rows."""

from uuid import UUID

from libs.common.contracts.run_commands import TERMINAL_STATUSES, AbortRun, ResumeRun, RunStatus
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.tenant_transaction import tenant_transaction
from libs.common.retry_policy import STORE
from libs.common.retrying import retrying
from services.engine.app.errors import RunUnknown
from services.engine.app.ports.command_store import CommandedRun, Resumption, StoredCommand
from services.engine.infra.postgres.statements import Statements, told

_LOCK = """
SELECT status FROM engine.runs WHERE tenant_id = $1 AND run_id = $2 FOR KEY SHARE"""
_ADD = """
INSERT INTO engine.run_commands (tenant_id, run_id, command_id, kind, body)
VALUES ($1, $2, $3, 'abort', $4) ON CONFLICT (tenant_id, run_id, command_id) DO NOTHING"""
_RESUME = "SELECT * FROM engine.resume_run($1, $2, $3, $4)"
_UNDRAINED = """
SELECT command_id, body FROM engine.run_commands
WHERE tenant_id = $1 AND run_id = $2 AND drained_at IS NULL ORDER BY sent_at"""
_COMMANDED = """
SELECT DISTINCT r.tenant_id, r.run_id FROM engine.runs r
JOIN engine.run_commands c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
WHERE r.status = 'running' AND r.owner = $1 AND c.drained_at IS NULL"""


class PostgresCommandStore:
    """Implements CommandStore. `pool` signs in as heddle_app, `sweeper` as heddle_sweeper."""

    def __init__(self, pool: Pool, sweeper: Pool) -> None:
        self._pool = pool
        self._statements = Statements(pool)
        self._sweeps = Statements(sweeper)

    async def add_abort(self, command: AbortRun) -> RunStatus:
        return await retrying(STORE, lambda: self._add(command))

    async def resume(self, command: ResumeRun) -> Resumption:
        rows = await self._statements.fetch(
            _RESUME,
            command.tenant_id,
            command.run_id,
            command.command_id,
            command.model_dump_json().encode(),
        )
        row = rows[0]
        if row["run_status"] is None:
            raise RunUnknown(f"No run {command.run_id}.")
        return Resumption(row["applied"], row["run_status"], row["run_epoch"])

    async def undrained(self, tenant_id: UUID, run_id: UUID) -> list[StoredCommand]:
        rows = await self._statements.fetch_of([tenant_id], _UNDRAINED, tenant_id, run_id)
        return [
            StoredCommand(
                command_id=row["command_id"],
                kind="abort",
                reason=AbortRun.model_validate_json(row["body"]).reason,
            )
            for row in rows
        ]

    async def commanded_runs(self, worker: UUID) -> list[CommandedRun]:
        rows = await self._sweeps.fetch(_COMMANDED, worker)
        return [CommandedRun(row["tenant_id"], row["run_id"]) for row in rows]

    async def _add(self, command: AbortRun) -> RunStatus:
        tenant_id, run_id = command.tenant_id, command.run_id
        with told():
            async with tenant_transaction(self._pool, tenant_id) as connection:
                status: RunStatus | None = await connection.fetchval(_LOCK, tenant_id, run_id)
                if status is None:
                    raise RunUnknown(f"No run {run_id}.")
                if status not in TERMINAL_STATUSES:
                    body = command.model_dump_json().encode()
                    await connection.execute(_ADD, tenant_id, run_id, command.command_id, body)
                return status
