"""Hearing a broadcast."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from nats.aio.msg import Msg
from pydantic import BaseModel

from libs.common.errors import Busy
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.bus import LISTENER_BYTES
from libs.common.messaging.nats_connection import wake
from libs.common.messaging.wire_format import reply_of

M = TypeVar("M", bound=BaseModel)


class NatsListener(Generic[M]):
    """Messages that were heard and not read, at most `limit` and LISTENER_BYTES.

    After an overflow or a lost connection `next` raises Busy once, drops what waits and goes on
    with what comes then.
    """

    def __init__(self, model: type[M], limit: int, bodies: BodyReferences) -> None:
        self._model = model
        self._limit = limit
        self._bodies = bodies
        self._waiting: deque[Msg] = deque()
        self._bytes = 0
        self._missed: str | None = None
        self._wake: asyncio.Future[None] | None = None

    @property
    def behind(self) -> int:
        return len(self._waiting)

    async def receive(self, message: Msg) -> None:
        if len(self._waiting) >= self._limit or self._bytes > LISTENER_BYTES:
            self.miss("more messages than the listener holds")
            return
        self._waiting.append(message)
        self._bytes += len(message.data)
        if self._wake is not None:
            wake(self._wake)

    def miss(self, reason: str) -> None:
        """Note that messages were missed."""
        self._missed = reason
        if self._wake is not None:
            wake(self._wake)

    def missing_after_loss(self) -> Callable[[], None]:
        return lambda: self.miss("the connection was lost")

    async def next(self, *, timeout: float) -> M | None:
        if not self._waiting and self._missed is None:
            self._wake = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(max(timeout, 0)):
                    await self._wake
            except TimeoutError:
                return None
        if self._missed is not None:
            reason, self._missed = self._missed, None
            self._waiting.clear()
            self._bytes = 0
            raise Busy(f"messages were missed: {reason}")
        message = self._waiting.popleft()
        self._bytes -= len(message.data)
        body = await self._bodies.incoming(message.data, message.headers)
        return reply_of(self._model, body)
