"""The unit of work: one transaction within the rows of some tenants."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from libs.common.database.asyncpg_pool import Pool, PooledConnection
from libs.common.database.row_security import SET_TENANTS, tenants_setting
from libs.common.database.store_errors import translated


@asynccontextmanager
async def tenant_transaction(pool: Pool, *tenants: UUID) -> AsyncGenerator[PooledConnection]:
    """Row-level security shows the rows of `tenants` alone. Leaving normally commits, leaving by an
    exception rolls back; no call to another system may happen inside.

    Raises DatabaseAway when Postgres is gone; whether a commit under way was done is then unknown.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(SET_TENANTS, tenants_setting(tenants))
            yield connection
