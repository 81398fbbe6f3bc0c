"""The caller's side of requests and streams."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from nats.aio.msg import Msg
from pydantic import BaseModel

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import StreamSubject, Subject
from libs.common.errors import Busy, HeddleError, Unavailable, UpstreamTimeout
from libs.common.messaging import headers as names
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.nats_connection import NatsConnection, wake
from libs.common.messaging.observed_calls import ObservedCalls
from libs.common.messaging.wire_format import error_of, reply_of, to_bytes

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", bound=BaseModel)

_WAITING_PARTS = 10_000
_WAITING_BYTES = 64 * 1024 * 1024


class NatsRequests:
    """Asks services and reads their answers."""

    def __init__(
        self,
        connection: NatsConnection,
        bodies: BodyReferences,
        clock: Clock,
        observed: ObservedCalls,
    ) -> None:
        self._connection = connection
        self._bodies = bodies
        self._clock = clock
        self._observed = observed

    async def ask(
        self, subject: str, body: bytes, headers: dict[str, str], *, timeout: float
    ) -> Msg:
        """Publish and wait for one message."""
        connection = self._connection
        connection.require()
        answer = _OneMessage()
        address = connection.inbox.open(answer)
        try:
            async with asyncio.timeout(timeout):
                body = await self._bodies.outgoing(body, headers)
                await connection.publish(subject, body, headers=headers, reply=address)
                reply = await answer.message
        except TimeoutError:
            raise UpstreamTimeout(
                f"{subject} did not answer within {timeout:g} s", retryable=True
            ) from None
        finally:
            connection.inbox.close(address)
        if reply.headers and reply.headers.get(names.STATUS) == names.NO_RESPONDERS:
            raise Unavailable(f"nobody serves {subject} at the moment; try again")
        return reply

    async def request(
        self, subject: Subject[Req, Rep], message: Req | bytes, envelope: Envelope, timeout: float
    ) -> Rep:
        headers = names.envelope_headers(envelope)
        headers[names.REMAINING_MS] = names.milliseconds(timeout)
        with self._observed.asking("request", subject.family, envelope, headers):
            reply = await self.ask(subject.name, to_bytes(message), headers, timeout=timeout)
            body = await self._bodies.incoming(reply.data, reply.headers)
            if reply.headers and names.ERROR in reply.headers:
                raise error_of(body)
            return reply_of(subject.reply, body)

    async def stream(
        self,
        subject: StreamSubject[Req, Rep],
        message: Req | bytes,
        envelope: Envelope,
        timeout: float,
        idle_timeout: float,
    ) -> AsyncGenerator[Rep, None]:
        headers = names.envelope_headers(envelope)
        headers[names.REMAINING_MS] = names.milliseconds(timeout)
        headers[names.IDLE_MS] = names.milliseconds(idle_timeout)
        parts = self._parts(subject, to_bytes(message), headers, timeout, idle_timeout)
        with self._observed.asking("request", subject.family, envelope, headers):
            async with aclosing(parts):
                async for part in parts:
                    yield part

    async def _parts(
        self,
        subject: StreamSubject[Req, Rep],
        body: bytes,
        headers: dict[str, str],
        timeout: float,
        idle_timeout: float,
    ) -> AsyncGenerator[Rep, None]:
        connection = self._connection
        connection.require()
        deadline = self._clock.monotonic() + timeout
        parts = _Parts(subject.name)
        address = connection.inbox.open(parts)
        try:
            body = await self._bodies.outgoing(body, headers)
            await connection.publish(subject.name, body, headers=headers, reply=address)
            while True:
                part = await parts.next(idle_timeout, deadline, self._clock)
                if part is None:
                    return
                body = await self._bodies.incoming(part.data, part.headers)
                if part.headers and names.ERROR in part.headers:
                    raise error_of(body)
                yield reply_of(subject.part, body)
        except TimeoutError:
            bound = "in time" if self._clock.monotonic() >= deadline else "for too long"
            raise UpstreamTimeout(
                f"{subject.name} did not finish {bound}: idle bound {idle_timeout:g} s, "
                f"whole bound {timeout:g} s",
                retryable=True,
            ) from None
        finally:
            connection.inbox.close(address)
            if parts.control is not None and connection.connected:
                await connection.publish(parts.control, b"", headers=None)


class _OneMessage:
    def __init__(self) -> None:
        self.message: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

    def receive(self, message: Msg) -> None:
        if not self.message.done():
            self.message.set_result(message)

    def lose(self, error: HeddleError) -> None:
        if not self.message.done():
            self.message.set_exception(error)


class _Parts:
    """Parts that were received and not read, at most 10,000 or 64 MiB.

    `control` is where the server hears that its reader went away; None before the server said it
    and after the stream ended.
    """

    def __init__(self, subject: str) -> None:
        self.control: str | None = None
        self._subject = subject
        self._waiting: deque[Msg] = deque()
        self._bytes = 0
        self._read = 0
        self._error: HeddleError | None = None
        self._wake: asyncio.Future[None] | None = None

    def receive(self, message: Msg) -> None:
        headers = message.headers or {}
        if headers.get(names.STATUS) == names.NO_RESPONDERS:
            self._error = Unavailable(f"nobody serves {self._subject} at the moment; try again")
        elif names.CONTROL in headers:
            self.control = headers[names.CONTROL]
        elif len(self._waiting) >= _WAITING_PARTS or self._bytes > _WAITING_BYTES:
            self._error = Busy(f"the reader of {self._subject} is too slow")
        else:
            self._waiting.append(message)
            self._bytes += len(message.data)
        if self._wake is not None:
            wake(self._wake)

    def lose(self, error: HeddleError) -> None:
        self._error = error
        if self._wake is not None:
            wake(self._wake)

    async def next(self, idle_timeout: float, deadline: float, clock: Clock) -> Msg | None:
        """The next message, None at the end. Raises TimeoutError after `idle_timeout` seconds of
        silence or at `deadline`; keep-alives break the silence only."""
        while not self._waiting:
            if self._error is not None:
                raise self._error
            self._wake = asyncio.get_running_loop().create_future()
            remaining = deadline - clock.monotonic()
            async with asyncio.timeout(max(min(idle_timeout, remaining), 0)):
                await self._wake
        message = self._waiting.popleft()
        self._bytes -= len(message.data)
        headers = message.headers or {}
        self._read += 1
        if int(headers.get(names.SEQ, "0")) != self._read:
            raise Unavailable(f"a part of {self._subject} was lost")
        if names.END in headers or names.ERROR in headers:
            self.control = None
        return None if names.END in headers else message
