"""The middle tier: Redis (6.2 or newer), shared by all processes, allowed to be away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from libs.common.clock import Clock
from libs.common.errors import Unavailable
from libs.common.state_store.tiers import Place, Version

T = TypeVar("T")

_PAUSE_SECONDS = 1.0
_MAX_CONNECTIONS = 50

# A deleted value stays as a tombstone (no field v) for its TTL, so that a slow reader's old copy
# cannot come back.
_OFFER = """
local known = redis.call('HGET', KEYS[1], 'r')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] == '1' then
  redis.call('HSET', KEYS[1], 'r', ARGV[1], 'v', ARGV[4])
else
  redis.call('HSET', KEYS[1], 'r', ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""


class RedisTier:
    """Bounded by `timeout` seconds a call. After a failure it raises Unavailable at once for a
    second, so that an absent Redis costs one time-out and not one a call."""

    def __init__(self, url: str, *, clock: Clock, timeout: float = 0.25) -> None:
        # redis-py leaves its keyword arguments untyped.
        pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
            url,
            max_connections=_MAX_CONNECTIONS,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
        )
        self._redis = Redis(connection_pool=pool)
        self._clock = clock
        self._away_until = 0.0

    async def get(self, place: Place) -> Version | None:
        found = await self._ask(lambda: self._redis.hmget(_name(place), ["r", "v"]))
        revision, value = cast("list[bytes | None]", found)  # redis-py's replies are untyped
        return None if revision is None else Version(revision=int(revision), value=value)

    async def offer(self, place: Place, version: Version) -> None:
        await self._ask(
            lambda: self._redis.eval(
                _OFFER,
                1,
                _name(place),
                str(version.revision),
                str(int(place.namespace.ttl.total_seconds() * 1000)),
                "0" if version.value is None else "1",
                version.value or b"",
            )
        )

    async def aclose(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T:
        if self._clock.monotonic() < self._away_until:
            raise Unavailable("Redis is away.")
        try:
            return await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = self._clock.monotonic() + _PAUSE_SECONDS
            raise Unavailable("Redis does not answer.") from error


def _name(place: Place) -> str:
    return f"heddle:state:{place.namespace.name}:{place.tenant_id}:{place.key}"
