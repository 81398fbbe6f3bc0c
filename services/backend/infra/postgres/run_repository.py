"""Runs in Postgres. The port: services.backend.app.ports.run_repository."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from libs.common.contracts.run_commands import RunStatus
from libs.common.contracts.subjects import CONVERSATION_DELETED
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.app.ports.run_repository import BegunRun
from services.backend.domain.files.errors import FileUnknown
from services.backend.domain.runs.records import (
    NewRun,
    RunEnding,
    RunLine,
    RunRecord,
    WaitingRun,
)
from services.backend.infra.postgres.run_rows import json_bytes, run_line, run_record
from services.backend.infra.postgres.storable_text import storable

_BEGIN = (
    "select run_id, request_hash from backend.begin_run"
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
)
_BEGIN_WITH_FILES = (
    "select run_id, request_hash from backend.begin_run_with_files"
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
)
_FILE_GONE = "HD404"
_FINISH = "select backend.finish_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
_WAITING = """
select tenant_id, run_id from (
    (select tenant_id, run_id, created_at from backend.runs
      where finished_at is null and handed_over_at is null and created_at < now() - $1::interval
      order by created_at limit $2)
    union
    (select tenant_id, run_id, created_at from backend.runs
      where finished_at is null and stop_requested_at < now() - $1::interval
        and stop_delivered_at is null
      order by stop_requested_at limit $2)) as waiting
order by created_at limit $2"""
_END_USER = """
insert into backend.end_users (end_user_id, tenant_id, app_id, session_id)
 values ($1, $2, $3, $4) on conflict do nothing"""
_ADD_CHILD = """
insert into backend.runs (run_id, tenant_id, app_id, version_id, mode, end_user_id, session_id,
   acceptance, request_hash, handed_over_at, parent_run_id)
 values ($1, $2, $3, $4, $5, $6, $7, $8, '', now(), $9) on conflict (run_id) do nothing"""


def _lines(*, of_status: bool, of_app: bool, of_parent: bool) -> str:
    """A statement for each way of asking, as each has its own index."""
    status = "status = $2" if of_status else "$2::text is null"
    app = "app_id = $3" if of_app else "$3::uuid is null"
    parent = "parent_run_id = $6" if of_parent else "$6::uuid is null"
    return (
        "select run_id, app_id, status, error, created_at, finished_at, parent_run_id "  # noqa: S608 - our own words
        f"from backend.runs where tenant_id = $1 and {status} and {app} and {parent} "
        "and ($4::uuid is null or run_id < $4) "
        "order by tenant_id desc, run_id desc limit $5"
    )


_MESSAGE_STATUS: Final = {"failed": "error", "stopped": "stopped"}


class PostgresRunRepository:
    """`sweeper_pool` signs in as heddle_sweeper: only it may look beyond one tenant."""

    def __init__(self, pool: Pool, sweeper_pool: Pool) -> None:
        self._pool = pool
        self._sweeper_pool = sweeper_pool

    async def begin(self, run: NewRun) -> BegunRun:
        acceptance, turn = run.acceptance, run.turn
        shown = turn.files if turn else ()
        files = (list(run.file_ids), to_json(shown)) if run.file_ids or shown else ()
        with translated(), _files_kept():
            row = await self._pool.fetchrow(
                _BEGIN_WITH_FILES if files else _BEGIN,
                acceptance.tenant_id,
                acceptance.run_id,
                acceptance.app_id,
                run.version_id,
                run.mode,
                run.end_user_id,
                storable(run.session_id),
                turn.conversation_id if turn else None,
                turn.message_id if turn else None,
                turn.new_conversation if turn else False,
                storable(turn.name) if turn else "",
                storable(turn.query) if turn else "",
                json_bytes(acceptance.inputs),
                acceptance.model_dump_json().encode(),
                run.idempotency_key,
                run.request_hash,
                *files,
            )
        assert row is not None
        return BegunRun(run_id=row["run_id"], request_hash=row["request_hash"])

    async def add_child(self, run: NewRun) -> None:
        acceptance, session = run.acceptance, storable(run.session_id)
        parent, tenant = acceptance.parent, acceptance.tenant_id
        async with tenant_transaction(self._pool, tenant) as connection:
            await connection.execute(_END_USER, run.end_user_id, tenant, acceptance.app_id, session)
            await connection.execute(
                _ADD_CHILD,
                acceptance.run_id,
                tenant,
                acceptance.app_id,
                run.version_id,
                run.mode,
                run.end_user_id,
                session,
                acceptance.model_dump_json().encode(),
                parent.run_id if parent else None,
            )

    async def find(self, tenant_id: UUID, run_id: UUID) -> RunRecord | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            row = await connection.fetchrow("select * from backend.runs where run_id = $1", run_id)
        return None if row is None else run_record(row)

    async def lines(
        self,
        tenant_id: UUID,
        *,
        status: RunStatus | None,
        app_id: UUID | None,
        parent: UUID | None = None,
        before: UUID | None,
        limit: int,
    ) -> list[RunLine]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            statement = _lines(
                of_status=status is not None,
                of_app=app_id is not None,
                of_parent=parent is not None,
            )
            rows = await connection.fetch(
                statement, tenant_id, status, app_id, before, limit, parent
            )
        return [run_line(row) for row in rows]

    async def finish(self, tenant_id: UUID, ending: RunEnding) -> bool:
        with translated():
            return bool(
                await self._pool.fetchval(
                    _FINISH,
                    tenant_id,
                    ending.run_id,
                    ending.status,
                    json_bytes(ending.outputs),
                    None if ending.error is None else storable(ending.error),
                    storable(ending.answer),
                    ending.total_tokens,
                    ending.total_steps,
                    ending.exceptions_count,
                    ending.elapsed_seconds,
                    ending.finished_at,
                    json_bytes(ending.usage),
                    _MESSAGE_STATUS.get(ending.status, "normal"),
                    CONVERSATION_DELETED.name,
                )
            )

    async def request_stop(self, tenant_id: UUID, run_id: UUID, reason: str) -> None:
        await self._change(
            tenant_id,
            "update backend.runs set stop_requested_at = now(), stop_reason = $2 "
            "where run_id = $1 and stop_requested_at is null",
            run_id,
            storable(reason),
        )

    async def mark_handed_over(self, tenant_id: UUID, run_id: UUID) -> None:
        await self._change(
            tenant_id,
            "update backend.runs set handed_over_at = now() "
            "where run_id = $1 and handed_over_at is null",
            run_id,
        )

    async def mark_stop_delivered(self, tenant_id: UUID, run_id: UUID) -> None:
        await self._change(
            tenant_id, "update backend.runs set stop_delivered_at = now() where run_id = $1", run_id
        )

    async def waiting(self, *, older_than_seconds: float, limit: int) -> list[WaitingRun]:
        with translated():
            rows = await self._sweeper_pool.fetch(
                _WAITING, timedelta(seconds=older_than_seconds), limit
            )
        return [WaitingRun(tenant_id=row["tenant_id"], run_id=row["run_id"]) for row in rows]

    async def _change(self, tenant_id: UUID, statement: str, *arguments: object) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(statement, *arguments)


@contextmanager
def _files_kept() -> Generator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.sqlstate == _FILE_GONE:
            raise FileUnknown("A file that the run names was deleted meanwhile.") from error
        raise
