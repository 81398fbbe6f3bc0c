"""What the database's failures mean to callers."""

from collections.abc import Generator
from contextlib import contextmanager

import asyncpg

from libs.common.errors import Unavailable

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What the driver says of a connection on which a dying server's last words arrived unasked.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
_CONTENDED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
)


class DatabaseAway(Unavailable):
    """Postgres cannot be reached, or ended the connection."""

    code = "database_away"
    title = "The database is away"


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is tried again.

    True for deadlocks, lock time-outs and lost connections; False for errors in the data.
    """
    return isinstance(error, (*_AWAY, *_CONTENDED, DatabaseAway))


@contextmanager
def translated() -> Generator[None]:
    """Raise DatabaseAway where the driver says that Postgres is gone; pass on the rest."""
    try:
        yield
    except Exception as error:
        if isinstance(error, _AWAY):
            raise DatabaseAway("The database does not answer.") from error
        raise
