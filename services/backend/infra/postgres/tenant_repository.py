"""Tenants in Postgres. The port: services.backend.app.ports.tenant_repository."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.infra.postgres.storable_text import storable

_FIRST_START = 0x6865_6462_6B00


class PostgresTenantRepository:
    """`sweeper_pool` signs in as heddle_sweeper: only it may look beyond one tenant."""

    def __init__(self, pool: Pool, sweeper_pool: Pool) -> None:
        self._pool = pool
        self._sweeper_pool = sweeper_pool

    @asynccontextmanager
    async def first_start_lock(self) -> AsyncGenerator[None]:
        # The lock goes with the transaction, however this block is left.
        with translated():
            connection = await self._sweeper_pool.acquire()
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock($1)", _FIRST_START)
                yield
        finally:
            await self._sweeper_pool.release(connection)

    async def oldest(self) -> UUID | None:
        with translated():
            return await self._sweeper_pool.fetchval(
                "select tenant_id from backend.tenants order by tenant_id limit 1"
            )

    async def add(self, tenant_id: UUID, name: str) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(
                "insert into backend.tenants (tenant_id, name) values ($1, $2)",
                tenant_id,
                storable(name),
            )
