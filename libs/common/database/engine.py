"""SQLAlchemy's async engine, for everything but the hot paths."""

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.common.database.connection_options import ConnectionOptions

_POOL_WAIT_SECONDS = 10.0


def create_engine(url: str, options: ConnectionOptions | None = None) -> AsyncEngine:
    """An engine on `url` (`postgresql://user:pw@host:port/db`). Connects on first use.

    A connection that died while idle is replaced unseen.
    """
    chosen = options or ConnectionOptions()
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=chosen.max_connections,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "timeout": chosen.connect_timeout,
            "command_timeout": chosen.command_timeout,
            "server_settings": chosen.server_settings(),
        },
    )
