"""Stored secrets of any tenant. The port: services.backend.app.ports.sealed_samples."""

from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from libs.common.database.tenant_transaction import tenant_transaction

_TENANTS = 1000
_SOME = """
(select sealed from backend.credentials order by updated_at desc limit 50)
union all
(select sealed from backend.environment_secrets order by created_at desc limit 50)
union all
(select sealed from backend.master_key_samples limit 50)"""
_KEEP = """
insert into backend.master_key_samples (tenant_id, sealed) values ($1, $2)
on conflict (tenant_id) do update set sealed = excluded.sealed"""


class PostgresSealedSamples:
    """Looks at the thousand oldest tenants; `sweeper_pool` knows who there is."""

    def __init__(self, pool: Pool, sweeper_pool: Pool) -> None:
        self._pool = pool
        self._sweeper_pool = sweeper_pool

    async def keep(self, tenant_id: UUID, sealed: bytes) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(_KEEP, tenant_id, sealed)

    async def some(self) -> list[bytes]:
        with translated():
            tenants = await self._sweeper_pool.fetch(
                "select tenant_id from backend.tenants order by tenant_id limit $1", _TENANTS
            )
        async with tenant_transaction(self._pool, *(row["tenant_id"] for row in tenants)) as found:
            return [row["sealed"] for row in await found.fetch(_SOME)]
