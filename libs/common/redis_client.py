"""A client of Redis that gives up soon: what it keeps can be done without."""

from redis.asyncio import Redis

_SECONDS = 1.0


def redis_client(url: str, *, timeout: float = _SECONDS) -> Redis:
    """Connects on first use. `timeout` seconds bound a connection and each answer."""
    # redis-py leaves its keyword arguments untyped.
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, socket_timeout=timeout, socket_connect_timeout=timeout
    )
