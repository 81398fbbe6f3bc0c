"""One consumer group member on a JetStream stream: pull, handle, acknowledge, bury."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# nats-py leaves parts of its signatures untyped.

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from libs.common.contracts.subjects import DurableSubject
from libs.common.errors import HeddleError, Unavailable
from libs.common.messaging import headers as names
from libs.common.messaging.bus import GivenUp
from libs.common.messaging.dead_letter_headers import Burial
from libs.common.messaging.nats_connection import NatsConnection, wake
from libs.common.messaging.nats_streams import NatsStreams

_PULL_SECONDS = 30
_GRACE_SECONDS = 5
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 60.0
_STOP_SECONDS = 10.0
_NANOSECONDS = 1_000_000_000
# Of messages that wait for another try; older ones are told without their first error.
_FIRST_ERRORS = 1000

_log = structlog.get_logger("heddle.messaging")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions:
    """`ack_wait` in seconds; `max_deliveries` counts the first."""

    durable: str
    concurrency: int
    max_deliveries: int
    ack_wait: float


class DurableConsumer:
    """Hands messages of `subject` to `handle` until stopped, `concurrency` at a time."""

    def __init__(
        self,
        connection: NatsConnection,
        streams: NatsStreams,
        subject: DurableSubject[Any],  # only its names are read here
        options: ConsumerOptions,
        handle: Callable[[Msg], Awaitable[None]],
        *,
        on_buried: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._streams = streams
        self._subject = subject
        self._options = options
        self._handle = handle
        self._on_buried = on_buried
        self._tasks: set[asyncio.Task[None]] = set()
        self._slot: asyncio.Future[None] | None = None
        self._pulling: asyncio.Task[None] | None = None
        self._stale = False
        self._current = _Pull(0)
        self._first_errors: OrderedDict[int, str] = OrderedDict()
        self._address = connection.client.new_inbox()
        self._subscription: Subscription | None = None
        connection.on_returned(self._distrust)
        connection.on_lost(self._lose)

    async def start(self) -> None:
        await self._declare()
        # Messages come under their own subject: only a subscription of our own tells them apart.
        self._subscription = await self._connection.subscribe(self._address, self._receive)
        self._pulling = asyncio.create_task(self._pull_for_ever())

    async def stop(self) -> None:
        """Take no more; what is being handled may end for at most 10 s."""
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.gather(self._pulling, return_exceptions=True)
        if self._subscription is not None:
            await self._connection.unsubscribe(self._subscription)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _distrust(self) -> None:
        self._stale = True

    def _lose(self) -> None:
        self._current.lose()

    async def _declare(self) -> None:
        await self._streams.declare(self._subject)
        config = ConsumerConfig(
            durable_name=self._options.durable,
            filter_subject=self._subject.name,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._options.ack_wait,
            # We count ourselves, so that the last delivery ends in the dead letters.
            max_deliver=-1,
        )
        try:
            await self._streams.jetstream.add_consumer(self._subject.stream, config)
        except (NatsError, TimeoutError) as error:
            raise Unavailable(
                f"consumer {self._options.durable} cannot be declared: {error}"
            ) from error
        self._stale = False

    async def _pull_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                if self._stale:
                    await self._declare()
                await self._pull(await self._free_slots())
                failures = 0
            except (NatsError, HeddleError, TimeoutError, OSError) as error:
                failures += 1
                self._stale = True
                _log.warning("pull_failed", durable=self._options.durable, error=str(error))
                await asyncio.sleep(min(_FIRST_DELAY_SECONDS * 2**failures, _GRACE_SECONDS))

    async def _free_slots(self) -> int:
        while len(self._tasks) >= self._options.concurrency:
            self._slot = asyncio.get_running_loop().create_future()
            await self._slot
        return self._options.concurrency - len(self._tasks)

    async def _pull(self, batch: int) -> None:
        self._connection.require()
        pull = self._current = _Pull(batch)
        wanted = {"batch": batch, "expires": _PULL_SECONDS * _NANOSECONDS}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._subject.stream}.{self._options.durable}"
        await self._connection.publish(
            subject, json.dumps(wanted).encode(), headers=None, reply=self._address
        )
        async with asyncio.timeout(_PULL_SECONDS + _GRACE_SECONDS):
            await pull.done
        if pull.refused:
            self._stale = True
            # Without a pause a consumer that cannot be made would spin here.
            await asyncio.sleep(_FIRST_DELAY_SECONDS)

    async def _receive(self, message: Msg) -> None:
        status = message.headers.get(names.STATUS) if message.headers else None
        if status is not None and not message.data:
            self._current.end(status)
            return
        # One of an earlier pull is as good: nobody else will get it.
        self._current.took_one()
        task = asyncio.create_task(self._deliver(message))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._slot is not None:
            wake(self._slot)
        if not task.cancelled() and task.exception() is not None:
            _log.error("delivery_failed", durable=self._options.durable, exc_info=task.exception())

    async def _deliver(self, message: Msg) -> None:
        delivery = message.metadata.num_delivered
        if not self._is_ours(message):
            await message.ack()
            return
        if delivery > self._options.max_deliveries:
            await self._bury(message, "its handler never came back")
            return
        beat = asyncio.create_task(self._keep(message))
        try:
            await self._handle(message)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message comes again
            reason = f"{type(error).__name__}: {error}"
            _log.warning("message_failed", subject=message.subject, delivery=delivery, error=reason)
            self._remember(message, reason)
            if delivery >= self._options.max_deliveries or isinstance(error, GivenUp):
                await self._bury(message, reason)
            else:
                delay = _FIRST_DELAY_SECONDS * 2 ** (delivery - 1)
                await message.nak(delay=min(delay, _LONGEST_DELAY_SECONDS))
        else:
            self._first_errors.pop(message.metadata.sequence.stream, None)
            await message.ack()
        finally:
            beat.cancel()

    def _is_ours(self, message: Msg) -> bool:
        """A message that was requeued is for the group that had given it up."""
        wanted = (message.headers or {}).get(names.ONLY_FOR)
        return wanted is None or wanted == self._options.durable

    def _remember(self, message: Msg, reason: str) -> None:
        self._first_errors.setdefault(message.metadata.sequence.stream, reason)
        if len(self._first_errors) > _FIRST_ERRORS:
            self._first_errors.popitem(last=False)

    async def _keep(self, message: Msg) -> None:
        """Hold off redelivery while the handler is at work."""
        while True:
            await asyncio.sleep(self._options.ack_wait / 3)
            await message.in_progress()

    async def _bury(self, message: Msg, reason: str) -> None:
        sequence = message.metadata.sequence.stream
        burial = Burial(
            stream=self._subject.stream,
            durable=self._options.durable,
            subject=message.subject,
            sequence=sequence,
            deliveries=message.metadata.num_delivered,
            first_error=self._first_errors.pop(sequence, None),
            last_error=reason,
        )
        await self._streams.bury(burial, message.data, message.headers or {})
        await message.term()
        _log.error(
            "message_buried",
            subject=message.subject,
            reason=reason,
            durable=self._options.durable,
        )


class _Pull:
    """One request for up to `batch` messages; `done` when all came or the server ended it."""

    def __init__(self, batch: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refused = False
        self._left = batch

    def took_one(self) -> None:
        self._left -= 1
        if self._left == 0:
            wake(self.done)

    def end(self, status: str) -> None:
        if status != "100":
            # 404, 408: nothing came in time. Everything else: ask for the consumer again.
            self.refused = status not in {"404", "408"}
            wake(self.done)

    def lose(self) -> None:
        """The connection broke."""
        self.refused = True
        wake(self.done)
