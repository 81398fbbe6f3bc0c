"""The growing text of live calls in Redis streams. Best effort: nothing is decided by it."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from redis.exceptions import RedisError

from libs.common.clock import Clock
from libs.common.redis_client import redis_client

_log = logging.getLogger(__name__)
_MOST_WAITING = 20_000
_BATCH = 500
_KEEP_SECONDS = 3600
_KEEP_ENDED_SECONDS = 60
_MOST_PARTS = 100_000
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Addition:
    """`part` None: the call has ended."""

    stream: str
    part: bytes | None


class RedisGrowingText:
    """Implements GrowingText; use it inside `running`.

    Parts are written in the background, in batches. When Redis is slow or away they are dropped,
    from the oldest on, and counted in `dropped`; a stream that misses parts is of use to nobody
    who needs them all.
    """

    def __init__(self, url: str, *, clock: Clock, timeout: float = 1.0) -> None:
        self._redis = redis_client(url, timeout=timeout)
        self._clock = clock
        self._waiting: deque[_Addition] = deque()
        self._news = asyncio.Event()
        self.dropped = 0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Write inside the block."""
        task = asyncio.create_task(self._write_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._redis.aclose()

    def add(self, tenant_id: UUID, key: str, claim_number: int, part: bytes) -> None:
        self._take(_Addition(_stream(tenant_id, key, claim_number), part))

    def end(self, tenant_id: UUID, key: str, claim_number: int) -> None:
        self._take(_Addition(_stream(tenant_id, key, claim_number), None))

    async def read(self, tenant_id: UUID, key: str, claim_number: int) -> list[bytes]:
        """The parts that Redis has, oldest first; none when it is away."""
        stream = _stream(tenant_id, key, claim_number)
        try:
            found = await self._redis.xrange(stream)
        except (RedisError, OSError, TimeoutError):
            return []
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", found)  # untyped in redis-py
        return [fields[b"p"] for _, fields in entries]

    def _take(self, addition: _Addition) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(addition)
        self._news.set()

    async def _write_on(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                try:
                    await self._write(batch)
                except (RedisError, OSError, TimeoutError) as error:
                    self.dropped += len(batch)
                    _log.warning("growing text was not kept: %s", type(error).__name__)
                    await self._clock.sleep(_PAUSE_SECONDS)

    async def _write(self, batch: list[_Addition]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            lifetimes: dict[str, int] = {}
            for addition in batch:
                lifetimes[addition.stream] = _KEEP_SECONDS
                if addition.part is None:
                    lifetimes[addition.stream] = _KEEP_ENDED_SECONDS
                else:
                    pipe.xadd(addition.stream, {"p": addition.part}, maxlen=_MOST_PARTS)
            for stream, seconds in lifetimes.items():
                pipe.expire(stream, seconds)
            await pipe.execute()


def _stream(tenant_id: UUID, key: str, claim_number: int) -> str:
    return f"heddle:call:{tenant_id}:{key}:{claim_number}"
