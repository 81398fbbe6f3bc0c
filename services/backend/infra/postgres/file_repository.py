"""Uploaded files in Postgres. The port: services.backend.app.ports.file_repository."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import asyncpg

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.domain.files.errors import FileUnknown
from services.backend.domain.files.records import FileOwner, UploadedFile

_ADD = """
insert into backend.uploaded_files (file_id, tenant_id, app_id, end_user_id, name, extension,
        mime_type, size, object_key, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_OF_OWNER = """
select * from backend.uploaded_files
 where file_id = any ($1::uuid[]) and app_id = $2 and end_user_id = $3"""
_KEEP = """
update backend.uploaded_files set named_at = coalesce(named_at, now())
 where file_id = any ($1::uuid[]) returning file_id"""
_UNNAMED = """
select tenant_id, file_id from backend.uploaded_files
 where named_at is null and created_at < now() - $1::interval order by created_at limit $2"""
_DELETE = """
delete from backend.uploaded_files where file_id = any ($1::uuid[]) and named_at is null
returning object_key"""


class PostgresFileRepository:
    """`sweeper_pool` signs in as heddle_sweeper: only it may look beyond one tenant."""

    def __init__(self, pool: Pool, sweeper_pool: Pool) -> None:
        self._pool = pool
        self._sweeper_pool = sweeper_pool

    async def add(self, file: UploadedFile) -> None:
        owner = file.owner
        async with tenant_transaction(self._pool, owner.tenant_id) as connection:
            await connection.execute(
                _ADD,
                file.file_id,
                owner.tenant_id,
                owner.app_id,
                owner.end_user_id,
                file.name,
                file.extension,
                file.mime_type,
                file.size,
                file.object_key,
                file.created_at,
            )

    async def find(self, tenant_id: UUID, file_id: UUID) -> UploadedFile | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            row = await connection.fetchrow(
                "select * from backend.uploaded_files where file_id = $1", file_id
            )
        return None if row is None else _file(row)

    async def of_owner(
        self, owner: FileOwner, file_ids: Collection[UUID]
    ) -> dict[UUID, UploadedFile]:
        async with tenant_transaction(self._pool, owner.tenant_id) as connection:
            rows = await connection.fetch(
                _OF_OWNER, list(file_ids), owner.app_id, owner.end_user_id
            )
        return {row["file_id"]: _file(row) for row in rows}

    async def keep(self, tenant_id: UUID, file_ids: Collection[UUID]) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(_KEEP, list(file_ids))
        if len(rows) < len(set(file_ids)):
            raise FileUnknown("A file that the run names was deleted meanwhile.")

    async def unnamed(self, *, older_than_seconds: float, limit: int) -> list[tuple[UUID, UUID]]:
        with translated():
            rows = await self._sweeper_pool.fetch(
                _UNNAMED, timedelta(seconds=older_than_seconds), limit
            )
        return [(row["tenant_id"], row["file_id"]) for row in rows]

    async def delete_unnamed(self, tenant_id: UUID, file_ids: Collection[UUID]) -> list[str]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(_DELETE, list(file_ids))
        return [row["object_key"] for row in rows]

    async def delete(self, tenant_id: UUID, file_ids: Collection[UUID]) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(
                "delete from backend.uploaded_files where file_id = any ($1::uuid[])",
                list(file_ids),
            )

    async def known(self, tenant_id: UUID, file_ids: Collection[UUID]) -> set[UUID]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(
                "select file_id from backend.uploaded_files where file_id = any ($1::uuid[])",
                list(file_ids),
            )
        return {row["file_id"] for row in rows}


def _file(row: asyncpg.Record) -> UploadedFile:
    return UploadedFile(
        file_id=row["file_id"],
        owner=FileOwner(
            tenant_id=row["tenant_id"], app_id=row["app_id"], end_user_id=row["end_user_id"]
        ),
        name=row["name"],
        extension=row["extension"],
        mime_type=row["mime_type"],
        size=row["size"],
        object_key=row["object_key"],
        created_at=row["created_at"],
    )
