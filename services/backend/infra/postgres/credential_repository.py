"""Sealed credentials in Postgres. The port: services.backend.app.ports.credential_repository."""

from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.app.ports.credential_repository import StoredCredential
from services.backend.infra.postgres.storable_text import storable


class PostgresCredentialRepository:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, tenant_id: UUID, provider: str, sealed: bytes, base_url: str | None) -> int:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            revision: int = await connection.fetchval(
                "insert into backend.credentials as c (tenant_id, provider, sealed, base_url) "
                "values ($1, $2, $3, $4) on conflict (tenant_id, provider) do update "
                "set sealed = excluded.sealed, base_url = excluded.base_url, "
                "revision = c.revision + 1, updated_at = now() returning revision",
                tenant_id,
                provider,
                sealed,
                None if base_url is None else storable(base_url),
            )
        return revision

    async def find(self, tenant_id: UUID, provider: str) -> StoredCredential | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            row = await connection.fetchrow(
                "select provider, sealed, base_url, revision from backend.credentials "
                "where provider = $1",
                provider,
            )
        return None if row is None else StoredCredential(**row)

    async def all_of(self, tenant_id: UUID) -> list[StoredCredential]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(
                "select provider, sealed, base_url, revision from backend.credentials "
                "where tenant_id = $1 order by provider",
                tenant_id,
            )
        return [StoredCredential(**row) for row in rows]

    async def delete(self, tenant_id: UUID, provider: str) -> bool:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            done = await connection.execute(
                "delete from backend.credentials where provider = $1", provider
            )
        return done.endswith(" 1")
