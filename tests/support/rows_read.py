"""How many rows statements read: what a slow plan shows on any machine, however loaded."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from libs.common.database.asyncpg_pool import Connection, Pool, create_pool
from libs.common.database.connection_options import ConnectionOptions
from tests.support.databases import FreshDatabase

_READ = """
SELECT (SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables)
     + (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes)"""
_UNTIL_PLANS_ARE_KEPT = 8
"""Executions: a statement's first five have plans of their own."""


class RowsRead:
    """Counts for `pool` and `sweeper`, of one connection each, and for nobody else. `admin` is a
    superuser's connection to the same database."""

    def __init__(self, pool: Pool, sweeper: Pool, admin: Connection) -> None:
        self.pool = pool
        self.sweeper = sweeper
        self.admin = admin

    async def most(self, work: Callable[[], Awaitable[object]]) -> int:
        """The most rows of tables and entries of indexes that one execution of `work` reads."""
        most = 0
        for _ in range(_UNTIL_PLANS_ARE_KEPT):
            before = await self._total()
            await work()
            most = max(most, await self._total() - before)
        return most

    async def _total(self) -> int:
        for each in (self.pool, self.sweeper, self.admin):
            await each.execute("SELECT pg_stat_force_next_flush()")
        return int(await self.admin.fetchval(_READ))

    async def without_statistics(self, schema: str) -> None:
        """Keep what Postgres knows of the schema's tables as it is: nothing."""
        tables = await self.admin.fetch(
            "SELECT c.oid::regclass::text AS name FROM pg_class c"
            " WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r'",
            schema,
        )
        for table in tables:
            await self.admin.execute(f"ALTER TABLE {table['name']} SET (autovacuum_enabled = off)")


@asynccontextmanager
async def rows_read(database: FreshDatabase) -> AsyncGenerator[RowsRead]:
    options = ConnectionOptions(max_connections=1)
    async with (
        await create_pool(database.url, options) as pool,
        await create_pool(database.sweeper_url, options) as sweeper,
    ):
        admin: Connection = await asyncpg.connect(database.admin_url)
        try:
            yield RowsRead(pool, sweeper, admin)
        finally:
            await admin.close()
