"""Wake-ups over Redis."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from libs.common.contracts.subjects import CELL
from libs.common.errors import Unavailable

_log = logging.getLogger(__name__)
_AWAY = (RedisError, OSError, TimeoutError)
_CHANNEL = f"heddle:run-wake:{CELL}:"


class _Typed(Protocol):
    """What is used of the client, which leaves its keyword arguments untyped."""

    def publish(self, channel: str, message: str) -> Awaitable[int]: ...

    def pubsub(self) -> PubSub: ...


class RedisCommandChannel:
    """Implements CommandChannel by publish and subscribe."""

    def __init__(self, redis: Redis) -> None:
        self._redis = cast("_Typed", redis)

    async def ring(self, tenant_id: UUID, run_id: UUID) -> None:
        try:
            await self._redis.publish(f"{_CHANNEL}{run_id}", str(run_id))
        except _AWAY as error:
            _log.info("run %s will find its command by sweep: %s", run_id, error)

    @asynccontextmanager
    async def heard(self, run_id: UUID | None = None) -> AsyncGenerator["_RedisWakes"]:
        pubsub = self._redis.pubsub()
        try:
            try:
                if run_id is None:
                    await pubsub.psubscribe(f"{_CHANNEL}*")
                else:
                    await pubsub.subscribe(f"{_CHANNEL}{run_id}")
                # The answer says that from now on everything is heard.
                await pubsub.get_message(timeout=1.0)
            except _AWAY as error:
                raise Unavailable("Redis does not answer.") from error
            yield _RedisWakes(pubsub)
        finally:
            await pubsub.aclose()


class _RedisWakes:
    """Implements Wakes."""

    def __init__(self, pubsub: PubSub) -> None:
        self._pubsub = pubsub

    async def next(self, *, timeout: float) -> UUID | None:
        clock = asyncio.get_running_loop()
        until = clock.time() + timeout
        while (left := until - clock.time()) > 0:
            try:
                message = cast(
                    "dict[str, Any] | None", await self._pubsub.get_message(timeout=left)
                )
            except _AWAY as error:
                raise Unavailable("Redis does not answer.") from error
            if message is not None and message["type"] in {"message", "pmessage"}:
                return UUID(message["data"].decode())
        return None
