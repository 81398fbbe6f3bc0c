"""The server's side of requests and streams."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# nats-py leaves parts of its signatures untyped.

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.micro import add_service
from nats.micro.request import Request
from nats.micro.service import Service, ServiceConfig
from pydantic import BaseModel

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import StreamSubject, Subject
from libs.common.errors import Busy, HeddleError
from libs.common.messaging import headers as names
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.bus import RequestHandler, StreamHandler
from libs.common.messaging.calls_under_way import CallsUnderWay
from libs.common.messaging.nats_connection import NatsConnection
from libs.common.messaging.nats_parts import PartWriter, Reader
from libs.common.messaging.observed_calls import ObservedCalls
from libs.common.messaging.wire_format import error_bytes, request_of, to_bytes

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", bound=BaseModel)

_VERSION = "1.0.0"
_STOP_SECONDS = 10.0


class NatsServing:
    """Answers subjects through NATS' services protocol as a member of queue group `name`."""

    def __init__(
        self,
        connection: NatsConnection,
        bodies: BodyReferences,
        name: str,
        observed: ObservedCalls,
    ) -> None:
        self._connection = connection
        self._bodies = bodies
        self._name = name
        self._observed = observed
        self._service: Service | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(
        self, subject: Subject[Req, Rep], handler: RequestHandler[Req, Rep], limit: int
    ) -> None:
        async def answer(message: Msg) -> None:
            headers: dict[str, str] = {}
            try:
                envelope, body = await self._opened(message)
                headers = names.sealing_headers(envelope)
                with self._observed.serving("answer", subject.family, envelope) as envelope:
                    body = to_bytes(await handler(request_of(subject.request, body), envelope))
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
                headers |= _error_headers(error)
                body = error_bytes(error, subject.name)
            await self._send(message.reply, body, headers)

        await self._add(subject.name, limit, answer)

    async def serve_stream(
        self, subject: StreamSubject[Req, Rep], handler: StreamHandler[Req, Rep], limit: int
    ) -> None:
        async def answer(message: Msg) -> None:
            writer = PartWriter(self._connection, self._bodies, message)
            reader = Reader(asyncio.current_task())
            control = self._connection.inbox.open(reader)
            beat = asyncio.create_task(writer.keep_alive(control))
            try:
                envelope, body = await self._opened(message)
                writer.sealing = names.sealing_headers(envelope)
                with self._observed.serving("answer", subject.family, envelope) as envelope:
                    parts = handler(request_of(subject.request, body), envelope)
                    try:
                        async for part in parts:
                            await writer.write(to_bytes(part), {})
                    finally:
                        await _close(parts)
                await writer.write(b"", {names.END: "1"})
            except asyncio.CancelledError:
                if not reader.gone:
                    raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
                await writer.write(error_bytes(error, subject.name), _error_headers(error))
            finally:
                beat.cancel()
                self._connection.inbox.close(control)

        await self._add(subject.name, limit, answer)

    async def stop(self) -> None:
        """Take no more requests, let those under way end for at most 10 s, then cancel them."""
        service, self._service = self._service, None
        if service is not None and self._connection.connected:
            await service.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _add(
        self, subject: str, limit: int, answer: Callable[[Msg], Coroutine[None, None, None]]
    ) -> None:
        under_way = CallsUnderWay(subject, limit)

        async def accept(request: Request) -> None:
            # The service awaits its handler before it takes the next message.
            message = request._msg  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
            if not message.reply:
                return
            tenant = (message.headers or {}).get(names.TENANT, "")
            try:
                under_way.begin(tenant)
            except Busy as busy:
                headers = _error_headers(busy) | {names.SEQ: "1"}
                await self._send(message.reply, error_bytes(busy, subject), headers)
                return
            task = asyncio.create_task(answer(message))
            task.add_done_callback(lambda _: under_way.end(tenant))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        service = self._service or await _started(self._connection.client, self._name)
        self._service = service
        await service.add_endpoint(
            name=subject.replace(".", "-"), subject=subject, handler=accept, queue_group=self._name
        )
        # A caller that acts on our return must find us.
        await self._connection.settle()

    async def _opened(self, message: Msg) -> tuple[Envelope, bytes]:
        envelope = names.envelope_of(message.headers)
        return envelope, await self._bodies.incoming(message.data, message.headers)

    async def _send(self, reply: str, body: bytes, headers: dict[str, str]) -> None:
        body = await self._bodies.outgoing(body, headers)
        await self._connection.publish(reply, body, headers=headers)


async def _started(client: Client, name: str) -> Service:
    config = ServiceConfig(name=name.replace(".", "-"), version=_VERSION)
    return await add_service(client, config)


async def _close(parts: AsyncIterator[BaseModel]) -> None:
    close = getattr(parts, "aclose", None)
    if close is not None:
        await close()


def _error_headers(error: BaseException) -> dict[str, str]:
    status = error.status if isinstance(error, HeddleError) else HeddleError.status
    code = error.code if isinstance(error, HeddleError) else HeddleError.code
    return {names.ERROR: "1", "Nats-Service-Error": code, "Nats-Service-Error-Code": str(status)}
