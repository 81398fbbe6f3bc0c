"""The message bus on NATS."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from nats.aio.msg import Msg
from pydantic import BaseModel

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope, without_deadline
from libs.common.contracts.subjects import Broadcast, DurableSubject, StreamSubject, Subject
from libs.common.messaging import headers as names
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.bus import MessageHandler, RequestHandler, StreamHandler
from libs.common.messaging.bus_metrics import NO_BUS_METRICS, BusMetrics
from libs.common.messaging.durable_consumer import ConsumerOptions, DurableConsumer
from libs.common.messaging.nats_connection import NatsConnection
from libs.common.messaging.nats_dead_letters import NatsDeadLetters
from libs.common.messaging.nats_listener import NatsListener
from libs.common.messaging.nats_requests import NatsRequests
from libs.common.messaging.nats_serving import NatsServing
from libs.common.messaging.nats_streams import NatsStreams
from libs.common.messaging.observed_calls import ObservedCalls
from libs.common.messaging.wire_format import reply_of, to_bytes
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)

_START_SECONDS = 60.0


class NatsBus:
    """Implements MessageBus. `name` is the service's queue group, `instance` this process's
    incarnation id, `object_store` carries bodies above 256 KiB, `sealing` closes bodies whose
    envelope names a `sealed_run`; without it those are refused."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        object_store: ObjectStore,
        instance: str,
        clock: Clock,
        sealing: RunSealing | None = None,
        metrics: BusMetrics = NO_BUS_METRICS,
    ) -> None:
        self.instance = instance
        self._clock = clock
        self._connection = NatsConnection(url, f"{name}-{instance}")
        self._bodies = BodyReferences(object_store, sealing)
        self._observed = ObservedCalls(metrics)
        self._requests = NatsRequests(self._connection, self._bodies, clock, self._observed)
        self._streams = NatsStreams(self._connection, self._requests, self._bodies)
        self.dead_letters = NatsDeadLetters(self._streams, self._bodies)
        self._serving = NatsServing(self._connection, self._bodies, name, self._observed)
        self._consumers: list[DurableConsumer] = []
        self._listeners: set[Callable[[], None]] = set()
        self._connection.on_returned(self._tell_listeners)

    async def start(self, timeout: float = _START_SECONDS) -> None:
        """Connect, waiting up to `timeout` seconds for NATS. Raises Unavailable after that."""
        await self._connection.start(timeout)

    async def stop_serving(self) -> None:
        """Take no more requests and messages; what is under way may end for at most 10 s.

        Calls to others still work. A service stops serving before it stops what its handlers
        need: `lifespan.at_stop("serving", bus.stop_serving)` after the last `serve`.
        """
        consumers, self._consumers = self._consumers, []
        await asyncio.gather(self._serving.stop(), *(consumer.stop() for consumer in consumers))

    async def close(self) -> None:
        """Stop serving if that was not done, flush and close."""
        await self.stop_serving()
        await self._connection.close()

    async def check(self) -> None:
        """Raise Unavailable unless connected (for readiness)."""
        self._connection.require()

    def on_disconnect(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the connection was lost: broadcasts are missed from now on."""
        self._connection.on_lost(callback)

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the connection returned: broadcasts may have been missed."""
        self._connection.on_returned(callback)

    async def collect_bodies(self) -> int:
        """Delete large bodies of messages older than 24 hours, of durable ones older than 8 days;
        returns how many. To be called now and then by one service."""
        return await self._bodies.collect(self._clock.now())

    async def request(
        self,
        subject: Subject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
    ) -> Rep:
        return await self._requests.request(subject, message, envelope, timeout)

    def stream(
        self,
        subject: StreamSubject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
        idle_timeout: float,
    ) -> AsyncGenerator[Rep, None]:
        return self._requests.stream(subject, message, envelope, timeout, idle_timeout)

    async def broadcast(
        self, subject: Broadcast[M], message: M | bytes, *, envelope: Envelope
    ) -> None:
        headers = names.envelope_headers(envelope)
        body = await self._bodies.outgoing(to_bytes(message), headers)
        await self._connection.publish(subject.name, body, headers=headers)

    @asynccontextmanager
    async def listen(
        self, subject: Broadcast[M], *, limit: int = 10_000
    ) -> AsyncGenerator[NatsListener[M]]:
        listener = NatsListener(subject.message, limit, self._bodies)
        missed = listener.missing_after_loss()
        subscription = await self._connection.subscribe(subject.name, listener.receive)
        self._listeners.add(missed)
        try:
            yield listener
        finally:
            self._listeners.discard(missed)
            await self._connection.unsubscribe(subscription)

    async def enqueue(
        self, subject: DurableSubject[M], message: M, *, envelope: Envelope, message_id: str
    ) -> None:
        headers = names.envelope_headers(without_deadline(envelope))
        headers[names.MESSAGE_ID] = message_id
        with self._observed.asking("publish", subject.name, envelope, headers):
            await self._streams.enqueue(subject, to_bytes(message), headers)

    async def serve(
        self,
        subject: Subject[Req, Rep],
        handler: RequestHandler[Req, Rep],
        *,
        limit: int = 1000,
    ) -> None:
        await self._serving.serve(subject, handler, limit)

    async def serve_stream(
        self,
        subject: StreamSubject[Req, Rep],
        handler: StreamHandler[Req, Rep],
        *,
        limit: int = 1000,
    ) -> None:
        await self._serving.serve_stream(subject, handler, limit)

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
        async def handle(message: Msg) -> None:
            envelope = names.envelope_of(message.headers)
            body = await self._bodies.incoming(message.data, message.headers)
            with self._observed.serving("process", subject.name, envelope) as envelope:
                await handler(reply_of(subject.message, body), envelope)

        options = ConsumerOptions(
            durable=durable,
            concurrency=concurrency,
            max_deliveries=max_deliveries,
            ack_wait=ack_wait,
        )
        consumer = DurableConsumer(
            self._connection,
            self._streams,
            subject,
            options,
            handle,
            on_buried=lambda: self._observed.buried(subject.stream, durable),
        )
        await consumer.start()
        self._consumers.append(consumer)

    def _tell_listeners(self) -> None:
        for missed in self._listeners:
            missed()
