"""A connection that one writer keeps, for statement after statement."""

import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from libs.common.database.asyncpg_pool import Pool, PooledConnection
from libs.common.database.store_errors import is_transient

_RELEASE_SECONDS = 1.0


class HeldConnection:
    """Taken from `pool` at its first use and kept, because taking and giving back cost as much as a
    small statement. For one user at a time; `give_back` it before the pool is closed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: PooledConnection | None = None

    @asynccontextmanager
    async def using(self) -> AsyncGenerator[PooledConnection]:
        """The connection; after anything but an error in the data the next user gets another."""
        if self._connection is None:
            self._connection = await self._pool.acquire()
        try:
            yield self._connection
        except BaseException as error:
            if not isinstance(error, asyncpg.PostgresError) or is_transient(error):
                await self.give_back()
            raise

    async def give_back(self) -> None:
        """Let the pool have it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
            ):
                await self._pool.release(connection, timeout=_RELEASE_SECONDS)
