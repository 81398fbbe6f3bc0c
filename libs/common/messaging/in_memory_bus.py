"""The message bus inside one process, for tests and tools: same contract, nothing on a wire."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope, without_deadline
from libs.common.contracts.subjects import Broadcast, DurableSubject, StreamSubject, Subject
from libs.common.errors import Busy, Unavailable, UpstreamTimeout
from libs.common.messaging.bus import MessageHandler, RequestHandler, StreamHandler
from libs.common.messaging.calls_under_way import CallsUnderWay
from libs.common.messaging.in_memory_broadcasts import InMemoryBroadcasts, InMemoryListener
from libs.common.messaging.in_memory_dead_letters import Delivery
from libs.common.messaging.in_memory_queues import InMemoryQueues
from libs.common.messaging.wire_format import (
    error_bytes,
    error_of,
    reply_of,
    request_of,
    to_bytes,
)

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_WAITING_PARTS = 10_000


@dataclass(slots=True)
class _Served:
    """One member of a queue group."""

    answer: Callable[[bytes, Envelope], Awaitable[bytes]] | None
    parts: Callable[[bytes, Envelope], AsyncGenerator[bytes, None]] | None
    under_way: CallsUnderWay


class InMemoryBus:
    """Implements MessageBus for callers and servers that share this object.

    Messages cross as JSON, so that nothing works here that would fail on NATS.
    """

    def __init__(self, *, clock: Clock, instance: str = "memory") -> None:
        self.instance = instance
        self._served: dict[str, list[_Served]] = {}
        self._broadcasts = InMemoryBroadcasts()
        self.queues = InMemoryQueues(clock)
        self.dead_letters = self.queues.dead
        self._tasks: set[asyncio.Task[object]] = set()

    async def start(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Cancel what is under way."""
        self._served.clear()
        await self.queues.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self) -> None:
        """Always ready."""

    async def request(
        self,
        subject: Subject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
    ) -> Rep:
        served = self._member(subject.name)
        body = to_bytes(message)
        envelope = envelope.model_copy(update={"remaining_seconds": timeout})

        async def answer() -> bytes:
            assert served.answer is not None
            with served.under_way.counted(envelope.tenant_id):
                return await served.answer(body, envelope)

        # The handler goes on when its caller gives up, as it would in another process.
        task = self._task(answer())
        done, _ = await asyncio.wait({task}, timeout=timeout)
        if not done:
            raise UpstreamTimeout(f"{subject.name} did not answer in {timeout:g} s", retryable=True)
        error = task.exception()
        if error is not None:
            raise error_of(error_bytes(error, subject.name))
        return reply_of(subject.reply, task.result())

    async def stream(
        self,
        subject: StreamSubject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
        idle_timeout: float,
    ) -> AsyncGenerator[Rep, None]:
        served = self._member(subject.name)
        body = to_bytes(message)
        envelope = envelope.model_copy(update={"remaining_seconds": timeout})
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_PARTS)

        async def pump() -> None:
            assert served.parts is not None
            with served.under_way.counted(envelope.tenant_id):
                async for part in served.parts(body, envelope):
                    if queue.full():
                        raise Busy(f"the reader of {subject.name} is too slow")
                    queue.put_nowait(part)

        task = self._task(pump())
        task.add_done_callback(lambda _: queue.put_nowait(None) if not queue.full() else None)
        deadline = asyncio.get_running_loop().time() + timeout
        try:
            while not (task.done() and queue.empty()):
                async with asyncio.timeout_at(deadline):
                    part = await queue.get()
                if part is not None:
                    yield reply_of(subject.part, part)
        except TimeoutError:
            raise UpstreamTimeout(
                f"{subject.name} did not finish in {timeout:g} s", retryable=True
            ) from None
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error_of(error_bytes(error, subject.name))

    async def broadcast(
        self, subject: Broadcast[M], message: M | bytes, *, envelope: Envelope
    ) -> None:
        self._broadcasts.publish(subject.name, to_bytes(message))

    @asynccontextmanager
    async def listen(
        self, subject: Broadcast[M], *, limit: int = 10_000
    ) -> AsyncGenerator[InMemoryListener[M]]:
        listener = InMemoryListener(subject.message, limit)
        with self._broadcasts.joined(subject.name, listener):
            yield listener

    async def enqueue(
        self, subject: DurableSubject[M], message: M, *, envelope: Envelope, message_id: str
    ) -> None:
        self.queues.store(subject, to_bytes(message), without_deadline(envelope), message_id)

    async def serve(
        self,
        subject: Subject[Req, Rep],
        handler: RequestHandler[Req, Rep],
        *,
        limit: int = 1000,
    ) -> None:
        async def answer(body: bytes, envelope: Envelope) -> bytes:
            return to_bytes(await handler(request_of(subject.request, body), envelope))

        self._served.setdefault(subject.name, []).append(
            _Served(answer, None, CallsUnderWay(subject.name, limit))
        )

    async def serve_stream(
        self,
        subject: StreamSubject[Req, Rep],
        handler: StreamHandler[Req, Rep],
        *,
        limit: int = 1000,
    ) -> None:
        async def parts(body: bytes, envelope: Envelope) -> AsyncGenerator[bytes, None]:
            found = handler(request_of(subject.request, body), envelope)
            try:
                async for part in found:
                    yield to_bytes(part)
            finally:
                await _close(found)

        self._served.setdefault(subject.name, []).append(
            _Served(None, parts, CallsUnderWay(subject.name, limit))
        )

    async def consume(
        self,
        subject: DurableSubject[M],
        handler: MessageHandler[M],
        *,
        durable: str,
        concurrency: int = 16,
        max_deliveries: int = 10,
        ack_wait: float = 10.0,
    ) -> None:
        async def handle(delivery: Delivery) -> None:
            await handler(reply_of(subject.message, delivery.body), delivery.envelope)

        self.queues.consume(subject, handle, durable, concurrency, max_deliveries)

    def _member(self, subject: str) -> _Served:
        members = self._served.get(subject)
        if not members:
            raise Unavailable(f"nobody serves {subject} at the moment; try again")
        served = members.pop(0)
        members.append(served)
        return served

    def _task(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _close(parts: AsyncIterator[BaseModel]) -> None:
    close = getattr(parts, "aclose", None)
    if close is not None:
        await close()
