"""One question to each kind of server: may we work here, and is what we need there?"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# redis-py leaves parts of its signatures untyped.

import re
from typing import cast
from urllib.parse import urlsplit

import asyncpg
from nats.aio.client import Client
from nats.errors import NoRespondersError, NoServersError
from nats.js.errors import APIError, ServiceUnavailableError
from redis.exceptions import NoPermissionError

from libs.common.redis_client import redis_client

_CONNECT_SECONDS = 4.0
_POSTGRES = 15
_VECTOR = "vector"
_REDIS = (6, 2)


class Unfit(Exception):
    """The server answers, but lacks something. `what` completes "<host> ..."."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


async def check_account(url: str) -> None:
    """Sign in to a Postgres that is new enough. Raises Unfit and what asyncpg raises."""
    connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    try:
        _require_version(connection)
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)


async def check_database(url: str) -> None:
    """`check_account`, and that the extension vector can be made. Raises Unfit and what asyncpg
    raises."""
    connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    try:
        _require_version(connection)
        known = await connection.fetchval(
            "select 1 from pg_available_extensions where name = $1", _VECTOR
        )
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)
    if not known:
        raise Unfit(
            f"has no extension {_VECTOR}",
            "Install pgvector on that server, or leave the variable out.",
        )


def _require_version(connection: asyncpg.Connection) -> None:
    version = connection.get_server_version()
    if version.major < _POSTGRES:
        raise Unfit(
            f"is PostgreSQL {version.major}", f"Use PostgreSQL {_POSTGRES} or newer with pgvector."
        )


async def check_redis(url: str) -> None:
    """Raises Unfit and what redis-py raises."""
    # A connection of our own: the client forgets one that failed without closing it.
    connection = redis_client(url, timeout=_CONNECT_SECONDS).connection_pool.make_connection()
    try:
        await connection.connect()
        await connection.send_command("PING")
        await connection.read_response()
        await connection.send_command("INFO", "server")
        told = await connection.read_response()
    except NoPermissionError:
        return  # not everybody may ask; whoever may ping may work
    finally:
        await connection.disconnect(nowait=True)
    # redis-py leaves untyped what it reads.
    found = re.search(r"redis_version:(\d+)\.(\d+)", str(cast("object", told)))
    if found is not None and tuple(map(int, found.groups())) < _REDIS:
        raise Unfit(
            f"is Redis {found[1]}.{found[2]}", f"Use Redis {_REDIS[0]}.{_REDIS[1]} or newer."
        )


async def check_nats(urls: str) -> None:
    """One of `urls`, which commas separate, is enough. Raises Unfit, ValueError for what is no
    URL, and what nats-py raises."""
    for url in urls.split(","):
        _ = urlsplit(url if "//" in url else f"//{url}").port  # ValueError where it is none
    said: list[Exception] = []

    async def hear(error: Exception) -> None:
        said.append(error)

    client = Client()
    try:
        await client.connect(
            urls.split(","),
            error_cb=hear,
            allow_reconnect=False,
            connect_timeout=int(_CONNECT_SECONDS),
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
        )
        await client.jetstream().account_info()
    except NoServersError as error:
        # It does not say why; the last one that was asked did.
        raise said[-1] if said else error from error
    except (NoRespondersError, ServiceUnavailableError, APIError) as error:
        raise Unfit(
            "has no JetStream for this account",
            "Enable JetStream on that server, or leave the variable out.",
        ) from error
    finally:
        await client.close()
