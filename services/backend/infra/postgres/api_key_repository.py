"""Keys in Postgres. The port: services.backend.app.ports.api_key_repository."""

from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from services.backend.domain.identity.keys import Principal
from services.backend.infra.postgres.tenant_transaction import tenant_transaction


class PostgresApiKeyRepository:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, principal: Principal, key_hash: str) -> bool:
        async with tenant_transaction(self._pool, principal.tenant_id) as connection:
            done = await connection.execute(
                "insert into backend.api_keys (key_id, tenant_id, kind, app_id, key_hash) "
                "values ($1, $2, $3, $4, $5) on conflict do nothing",
                principal.key_id,
                principal.tenant_id,
                principal.kind,
                principal.app_id,
                key_hash,
            )
        return done.endswith(" 1")

    async def revoke(self, tenant_id: UUID, key_id: UUID) -> str | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            return await connection.fetchval(
                "update backend.api_keys set revoked_at = now() "
                "where key_id = $1 and revoked_at is null returning key_hash",
                key_id,
            )

    async def is_open(self, tenant_id: UUID, key_hash: str) -> bool:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            return bool(
                await connection.fetchval(
                    "select exists (select 1 from backend.api_keys "
                    "where key_hash = $1 and revoked_at is null)",
                    key_hash,
                )
            )
