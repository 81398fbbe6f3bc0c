"""Idempotency keys in Postgres. The port: services.backend.app.ports.idempotency_records."""

from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.infra.postgres.storable_text import storable


class PostgresIdempotencyRecords:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, tenant_id: UUID, scope: str, key: str, request_hash: str) -> str:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(
                "insert into backend.idempotency_records (tenant_id, scope, key, request_hash) "
                "values ($1, $2, $3, $4) on conflict do nothing",
                tenant_id,
                scope,
                storable(key),
                request_hash,
            )
            standing: str = await connection.fetchval(
                "select request_hash from backend.idempotency_records "
                "where scope = $1 and key = $2",
                scope,
                storable(key),
            )
        return standing

    async def release(self, tenant_id: UUID, scope: str, key: str, request_hash: str) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(
                "delete from backend.idempotency_records "
                "where scope = $1 and key = $2 and request_hash = $3",
                scope,
                storable(key),
                request_hash,
            )
