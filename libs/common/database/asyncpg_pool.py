"""Connections to Postgres: a raw asyncpg pool."""

from typing import TYPE_CHECKING

import asyncpg

from libs.common.database.connection_options import ConnectionOptions
from libs.common.database.store_errors import translated

# asyncpg's classes are generic in its stubs only.
if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record]
    PooledConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection
    PooledConnection = asyncpg.pool.PoolConnectionProxy


async def create_pool(url: str, options: ConnectionOptions | None = None) -> Pool:
    """A pool on `url` (`postgresql://user:pw@host:port/db`) with its first connection open.

    Raises DatabaseAway when that connection cannot be made.
    """
    chosen = options or ConnectionOptions()
    with translated():
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=chosen.max_connections,
            timeout=chosen.connect_timeout,
            command_timeout=chosen.command_timeout,
            server_settings=chosen.server_settings(),
            reset=_as_it_is,
        )


async def _as_it_is(_: object) -> None:
    """Leave a released connection as it is: settings are local to transactions here and session
    locks are let go by their takers, so asyncpg's reset query would be a round trip for nothing.
    An open transaction is rolled back nevertheless."""
