"""Whether an operator's servers can be worked with, before anything is started for them.

Services wait for their servers, so a wrong password would look like a slow start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import asyncpg
from nats.errors import Error as NatsError
from redis.exceptions import RedisError

from deploy.local.server_checks import Unfit, check_account, check_database, check_nats, check_redis
from deploy.local.stack_error import LocalStackError

_SECONDS = 5.0
_DATABASE_FORM = "postgresql://user:password@host:port/database"
_REFUSALS = (
    OSError,
    TimeoutError,
    RedisError,
    NatsError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)


@dataclass(frozen=True, slots=True)
class _Server:
    variable: str
    form: str
    check: Callable[[str], Awaitable[None]]


_NATS = _Server("HEDDLE_NATS_URL", "nats://user:password@host:port", check_nats)
_REDIS = _Server("HEDDLE_REDIS_URL", "redis://user:password@host:port/0", check_redis)
_DATABASE = _Server("HEDDLE_DATABASE_URL", _DATABASE_FORM, check_database)
_ACCOUNTS = tuple(
    _Server(f"HEDDLE_DATABASE{role}_URL", _DATABASE_FORM, check_account)
    for role in ("", "_OWNER", "_SWEEPER")
)


async def require_servers(environ: Mapping[str, str]) -> None:
    """Ask every server that `environ` names, all at once. At most 5 s.

    Raises LocalStackError for the first that cannot be reached, does not let us in, or lacks what
    the platform needs.
    """
    accounts = all(environ.get(account.variable) for account in _ACCOUNTS)
    servers = (*(_ACCOUNTS if accounts else (_DATABASE,)), _NATS, _REDIS)
    asked = [
        _require(each, environ[each.variable]) for each in servers if environ.get(each.variable)
    ]
    for problem in await asyncio.gather(*asked, return_exceptions=True):
        if problem is not None:
            raise problem


async def _require(server: _Server, url: str) -> None:
    variable = server.variable
    try:
        async with asyncio.timeout(_SECONDS):
            await server.check(url)
    except Unfit as lack:
        told = f"{variable}: {_places(url)} {lack.what}."
        raise LocalStackError(told, remedy=lack.remedy) from lack
    except ValueError as error:
        # The URL itself may hold a password, and so may what is said about it.
        raise LocalStackError(
            f"{variable} is not a URL of its kind.", remedy=f"It reads {server.form}."
        ) from error
    except _REFUSALS as error:
        words = " ".join(str(error).split()).rstrip(".") or f"nothing within {_SECONDS:g} s"
        raise LocalStackError(
            f"{variable}: {_places(url)} says: {words}.",
            remedy=f"Start that server, or correct the variable; it reads {server.form}.",
        ) from error


def _places(urls: str) -> str:
    """Hosts and ports alone."""
    found = (url.partition("//")[2] or url for url in urls.split(","))
    return ", ".join(place.rpartition("@")[2].partition("/")[0] for place in found)
