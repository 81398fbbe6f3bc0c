"""The message bus as the application layer sees it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from pydantic import BaseModel

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import Broadcast, DurableSubject, StreamSubject, Subject

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)
Heard_co = TypeVar("Heard_co", bound=BaseModel, covariant=True)

RequestHandler = Callable[[Req, Envelope], Awaitable[Rep | bytes]]
StreamHandler = Callable[[Req, Envelope], AsyncIterator[Rep]]
MessageHandler = Callable[[M, Envelope], Awaitable[None]]

LISTENER_BYTES = 32 * 1024 * 1024
"""What a listener keeps for a reader who is slow or stands still."""


class GivenUp(Exception):
    """Raised by the handler of a durable message that no further delivery helps: it goes to the
    dead letters at once, with these words."""


class MessageBus(Protocol):
    """Typed messages between services.

    Bodies above 256 KiB travel by reference to the object store on every subject, unseen by
    callers. Errors of the HeddleError tree raised by a handler are raised again at the caller.
    Every call raises Unavailable when the bus is away or nobody serves the subject, and
    UpstreamTimeout when the bound runs out. Any message may be given as its JSON, by whoever wrote
    that before.
    """

    async def request(
        self,
        subject: Subject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
    ) -> Rep:
        """Ask one member of the queue group. `timeout`, seconds, travels as remaining time."""
        ...

    def stream(
        self,
        subject: StreamSubject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
        idle_timeout: float,
    ) -> AsyncIterator[Rep]:
        """Ask for a stream of parts, delivered in order without loss, or an error.

        `idle_timeout` bounds the silence between two messages. The server side sends keep-alives,
        so that a slow upstream is not silence. Closing the iterator tells the server that the
        consumer has gone; what that means is the handler's business (its iterator is closed).
        """
        ...

    async def broadcast(
        self, subject: Broadcast[M], message: M | bytes, *, envelope: Envelope
    ) -> None:
        """Publish to whoever listens now. Returns when handed to the client's buffer."""
        ...

    def listen(
        self, subject: Broadcast[M], *, limit: int = 10_000
    ) -> AbstractAsyncContextManager["Listener[M]"]:
        """Hear a broadcast from the moment the context is entered (the server knows by then).

        `subject` may hold `*` tokens. At most `limit` messages of LISTENER_BYTES together wait; on
        overflow the listener raises Busy, so that its reader starts over from the stored part.
        """
        ...

    async def enqueue(
        self, subject: DurableSubject[M], message: M, *, envelope: Envelope, message_id: str
    ) -> None:
        """Store a durable message; the same `message_id` within two minutes is stored once."""
        ...

    async def serve(
        self,
        subject: Subject[Req, Rep],
        handler: RequestHandler[Req, Rep],
        *,
        limit: int = 1000,
    ) -> None:
        """Answer requests as a member of the queue group. More than `limit` at once, or three
        quarters of it for one tenant: Busy."""
        ...

    async def serve_stream(
        self,
        subject: StreamSubject[Req, Rep],
        handler: StreamHandler[Req, Rep],
        *,
        limit: int = 1000,
    ) -> None:
        """Answer with a stream. The handler's iterator is closed when the consumer goes away.
        `limit` as with `serve`."""
        ...

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
        """Take durable messages as consumer group `durable`.

        A message is acknowledged when the handler returns. An exception has it delivered again
        with a growing delay; after `max_deliveries`, or where the handler raises GivenUp, it goes
        to the dead-letter stream with the reason. Another consumer gets what one had that has been
        silent for `ack_wait` seconds; a handler at work is not, however long it takes.
        """
        ...


class Listener(Protocol[Heard_co]):
    """Messages of a broadcast, in the order of one publisher."""

    @property
    def behind(self) -> int:
        """How many messages were heard and not read yet."""
        ...

    async def next(self, *, timeout: float) -> Heard_co | None:
        """The next message, or None after `timeout` seconds. Raises Busy after an overflow."""
        ...
