"""A transaction that sees one tenant's rows."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.row_security import SET_TENANTS
from libs.common.database.store_errors import translated

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


@asynccontextmanager
async def tenant_transaction(pool: Pool, tenant_id: UUID) -> AsyncGenerator[Connection]:
    """Commits when left normally. Raises DatabaseAway when Postgres is gone."""
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(SET_TENANTS, str(tenant_id))
            yield connection


def storable(text: str) -> str:
    """`text` without U+0000, which Postgres' text cannot hold."""
    return text.replace("\0", "")
