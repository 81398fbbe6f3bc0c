"""Keys in Postgres. The port: services.backend.app.ports.api_key_repository."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.domain.identity.keys import KeyRecord, Principal

_OPEN_KEYS = """
select key_id, kind, app_id, last4, created_at, last_used_at from backend.api_keys
 where tenant_id = $1 and revoked_at is null and ($2::uuid is null or app_id = $2)
   and ($3::uuid is null or key_id > $3)
 order by key_id limit $4"""
_USED = """
update backend.api_keys k set last_used_at = u.at
  from unnest($1::uuid[], $2::timestamptz[]) as u (key_id, at)
 where k.key_id = u.key_id and (k.last_used_at is null or k.last_used_at < u.at)"""


class PostgresApiKeyRepository:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, principal: Principal, key_hash: str, last4: str) -> bool:
        async with tenant_transaction(self._pool, principal.tenant_id) as connection:
            done = await connection.execute(
                "insert into backend.api_keys (key_id, tenant_id, kind, app_id, key_hash, last4) "
                "values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
                principal.key_id,
                principal.tenant_id,
                principal.kind,
                principal.app_id,
                key_hash,
                last4,
            )
        return done.endswith(" 1")

    async def revoke(self, tenant_id: UUID, key_id: UUID) -> str | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            return await connection.fetchval(
                "update backend.api_keys set revoked_at = coalesce(revoked_at, now()) "
                "where key_id = $1 returning key_hash",
                key_id,
            )

    async def open_keys(
        self, tenant_id: UUID, *, app_id: UUID | None, after: UUID | None, limit: int
    ) -> list[KeyRecord]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(_OPEN_KEYS, tenant_id, app_id, after, limit)
        return [KeyRecord(**row) for row in rows]

    async def used(self, tenant_id: UUID, uses: Mapping[UUID, datetime]) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(_USED, [*uses], [*uses.values()])

    async def is_open(self, tenant_id: UUID, key_hash: str) -> bool:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            return bool(
                await connection.fetchval(
                    "select exists (select 1 from backend.api_keys "
                    "where key_hash = $1 and revoked_at is null)",
                    key_hash,
                )
            )
