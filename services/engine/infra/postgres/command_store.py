"""Commands to runs as rows."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field, TypeAdapter

from libs.common.contracts.run_commands import ResumeRun, RunCommand
from libs.common.database.asyncpg_pool import Pool
from libs.common.run_sealing import RunSealing
from services.engine.app.errors import RunUnknown
from services.engine.app.ports.command_store import (
    CommandedRun,
    SentCommand,
    StoredCommand,
    Told,
)
from services.engine.infra.postgres.statements import Statements

_ADD = "SELECT * FROM engine.add_command($1, $2, $3, $4, $5)"
_RESUME = "SELECT * FROM engine.resume_run($1, $2, $3, $4)"
_UNDRAINED = """
SELECT command_id, body FROM engine.run_commands
WHERE tenant_id = $1 AND run_id = $2 AND drained_at IS NULL ORDER BY sent_at"""
_DRAINED = """
UPDATE engine.run_commands SET drained_at = clock_timestamp()
WHERE tenant_id = $1 AND run_id = $2 AND command_id = ANY ($3) AND drained_at IS NULL"""
# One look-up a run of the worker: whatever waits for queued runs is not read.
_COMMANDED = """
SELECT r.tenant_id, r.run_id FROM engine.runs r CROSS JOIN LATERAL (
    SELECT FROM engine.run_commands c
    WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id AND c.drained_at IS NULL
    LIMIT 1) AS told
WHERE r.status = 'running' AND r.owner = $1"""
_commands: TypeAdapter[RunCommand] = TypeAdapter(Annotated[RunCommand, Field(discriminator="kind")])


def sealed_command(command: RunCommand, sealing: RunSealing | None) -> bytes:
    """A command as it is stored: it may hold what people wrote."""
    body = command.model_dump_json().encode()
    if sealing is None:
        return body
    return sealing.seal(
        body,
        tenant_id=command.tenant_id,
        run_id=command.run_id,
        place=f"command/{command.command_id}",
    )


class PostgresCommandStore:
    """Implements CommandStore. `pool` signs in as heddle_app, `sweeper` as heddle_sweeper."""

    def __init__(self, pool: Pool, sweeper: Pool, sealing: RunSealing | None = None) -> None:
        self._statements = Statements(pool)
        self._sweeps = Statements(sweeper)
        self._sealing = sealing

    async def add(self, command: SentCommand) -> Told:
        rows = await self._statements.fetch(
            _ADD,
            command.tenant_id,
            command.run_id,
            command.command_id,
            command.kind,
            sealed_command(command, self._sealing),
        )
        row = rows[0]
        if row["run_status"] is None:
            raise RunUnknown(f"No run {command.run_id}.")
        return Told(row["applied"], row["run_status"], row["run_epoch"])

    async def resume(self, command: ResumeRun) -> Told:
        rows = await self._statements.fetch(
            _RESUME,
            command.tenant_id,
            command.run_id,
            command.command_id,
            sealed_command(command, self._sealing),
        )
        row = rows[0]
        if row["run_status"] is None:
            raise RunUnknown(f"No run {command.run_id}.")
        return Told(row["applied"], row["run_status"], row["run_epoch"])

    async def undrained(self, tenant_id: UUID, run_id: UUID) -> list[StoredCommand]:
        rows = await self._statements.fetch_of([tenant_id], _UNDRAINED, tenant_id, run_id)
        return [
            _commands.validate_json(self._opened(tenant_id, run_id, row["command_id"], row["body"]))
            for row in rows
        ]

    async def drained(self, tenant_id: UUID, run_id: UUID, commands: Sequence[UUID]) -> None:
        await self._statements.fetch_of([tenant_id], _DRAINED, tenant_id, run_id, [*commands])

    async def commanded_runs(self, worker: UUID) -> list[CommandedRun]:
        rows = await self._sweeps.fetch(_COMMANDED, worker)
        return [CommandedRun(row["tenant_id"], row["run_id"]) for row in rows]

    def _opened(self, tenant_id: UUID, run_id: UUID, command_id: UUID, body: bytes) -> bytes:
        if self._sealing is None:
            return body
        return self._sealing.reveal(
            body, tenant_id=tenant_id, run_id=run_id, place=f"command/{command_id}"
        )
