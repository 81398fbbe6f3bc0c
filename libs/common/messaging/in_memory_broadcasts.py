"""Broadcasts inside one process."""

import asyncio
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from libs.common.errors import Busy
from libs.common.messaging.bus import LISTENER_BYTES
from libs.common.messaging.wire_format import reply_of

M = TypeVar("M", bound=BaseModel)


class Ear(Protocol):
    """Who hears a broadcast."""

    def hear(self, body: bytes) -> None: ...


class InMemoryListener(Generic[M]):
    """At most `limit` messages of LISTENER_BYTES wait; after an overflow `next` raises Busy once
    and starts over."""

    def __init__(self, model: type[M], limit: int) -> None:
        self._model = model
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._overflowed = False
        self._news = asyncio.Event()

    @property
    def behind(self) -> int:
        return len(self._waiting)

    def hear(self, body: bytes) -> None:
        if len(self._waiting) >= self._limit or self._bytes > LISTENER_BYTES:
            self._overflowed = True
        else:
            self._waiting.append(body)
            self._bytes += len(body)
        self._news.set()

    async def next(self, *, timeout: float) -> M | None:
        if not self._waiting and not self._overflowed:
            self._news.clear()
            try:
                async with asyncio.timeout(max(timeout, 0)):
                    await self._news.wait()
            except TimeoutError:
                return None
        if self._overflowed:
            self._overflowed = False
            self._waiting.clear()
            self._bytes = 0
            raise Busy("messages were missed: more messages than the listener holds")
        body = self._waiting.popleft()
        self._bytes -= len(body)
        return reply_of(self._model, body)


class InMemoryBroadcasts:
    """Who listens to what; `*` stands for one token."""

    def __init__(self) -> None:
        self._listeners: list[tuple[list[str], Ear]] = []

    def publish(self, subject: str, body: bytes) -> None:
        tokens = subject.split(".")
        for pattern, listener in self._listeners:
            if _matches(pattern, tokens):
                listener.hear(body)

    @contextmanager
    def joined(self, pattern: str, listener: Ear) -> Generator[None]:
        entry = (pattern.split("."), listener)
        self._listeners.append(entry)
        try:
            yield
        finally:
            self._listeners.remove(entry)


def _matches(pattern: list[str], tokens: list[str]) -> bool:
    return len(pattern) == len(tokens) and all(
        wanted in ("*", token) for wanted, token in zip(pattern, tokens, strict=True)
    )
