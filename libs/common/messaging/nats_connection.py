"""One connection to NATS: kept for ever, its losses told to whoever waits."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# nats-py leaves parts of its signatures untyped.

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from libs.common.errors import HeddleError, Unavailable
from libs.common.messaging.inbox import Inbox

_RECONNECT_WAIT_SECONDS = 1
_PING_SECONDS = 20
_DRAIN_SECONDS = 10
_SETTLE_SECONDS = 10.0
_PENDING_BYTES = 8 * 1024 * 1024

_log = structlog.get_logger("heddle.messaging")


class NatsConnection:
    """Connects, reconnects for ever, and buffers at most 8 MiB of publishes while away."""

    def __init__(self, url: str, name: str) -> None:
        self.client = Client()
        self.inbox = Inbox(self._publish_quietly)
        self._url = url
        self._name = name
        self._lost: list[Callable[[], None]] = []
        self._returned: list[Callable[[], None]] = []

    async def start(self, timeout: float) -> None:
        """Connect. Raises Unavailable when that did not succeed within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self.client.connect(
                    self._url.split(","),
                    name=self._name,
                    error_cb=self._failed,
                    disconnected_cb=self._disconnected,
                    reconnected_cb=self._reconnected,
                    reconnect_time_wait=_RECONNECT_WAIT_SECONDS,
                    max_reconnect_attempts=-1,
                    ping_interval=_PING_SECONDS,
                    drain_timeout=_DRAIN_SECONDS,
                    pending_size=_PENDING_BYTES,
                )
            await self.client.subscribe(self.inbox.pattern, cb=self.inbox.deliver)
        except (NatsError, OSError, TimeoutError) as error:
            # A time-out says nothing; what the client met before it does.
            why = str(error) or self.client.last_error or f"silent for {timeout:g} s"
            await self.client.close()
            raise Unavailable(f"NATS cannot be reached: {why}") from error

    async def close(self) -> None:
        """Deliver what was received, send what waits, then close."""
        client = self.client
        if client.is_closed:
            return
        try:
            if client.is_connected:
                await client.drain()
            else:
                await client.close()
        except (NatsError, OSError, TimeoutError) as error:
            _log.warning("nats_close_failed", error=str(error))
            await client.close()

    @property
    def connected(self) -> bool:
        return self.client.is_connected

    def require(self) -> None:
        """Raise Unavailable unless connected: a call that cannot be answered must not wait."""
        if not self.client.is_connected:
            raise Unavailable("NATS is away")

    def on_lost(self, callback: Callable[[], None]) -> None:
        self._lost.append(callback)

    def on_returned(self, callback: Callable[[], None]) -> None:
        self._returned.append(callback)

    async def publish(
        self, subject: str, body: bytes, *, headers: dict[str, str] | None, reply: str = ""
    ) -> None:
        """Hand to the client's buffer. Raises Unavailable when it is full or closed."""
        try:
            await self.client.publish(subject, body, reply, headers or None)
        except NatsError as error:
            raise Unavailable(f"cannot publish to {subject}: {error}") from error

    async def subscribe(
        self, subject: str, receive: Callable[[Msg], Awaitable[None]]
    ) -> Subscription:
        """Hear `subject`; the server knows when this returns. Raises Unavailable."""
        self.require()
        try:
            subscription = await self.client.subscribe(subject, cb=receive)
        except NatsError as error:
            raise Unavailable(f"cannot listen to {subject}: {error}") from error
        await self.settle()
        return subscription

    async def settle(self) -> None:
        """Wait until the server has taken in everything said so far. Raises Unavailable.

        The client's own flush overtakes what waits in its buffer; a message to ourselves does not.
        """
        echo = _Echo()
        address = self.inbox.open(echo)
        try:
            await self.publish(address, b"", headers=None)
            async with asyncio.timeout(_SETTLE_SECONDS):
                await echo.heard
        except TimeoutError as error:
            raise Unavailable("NATS does not answer") from error
        finally:
            self.inbox.close(address)

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Hear no more; silent on a connection that is going."""
        if not self.client.is_closed and not self.client.is_draining:
            await subscription.unsubscribe()

    async def _publish_quietly(self, subject: str) -> None:
        try:
            await self.client.publish(subject)
        except NatsError as error:
            _log.debug("nats_publish_failed", subject=subject, error=str(error))

    async def _failed(self, error: Exception) -> None:
        _log.warning("nats_error", error=str(error) or type(error).__name__, connection=self._name)

    async def _disconnected(self) -> None:
        if self.client.is_closed:
            return
        _log.warning("nats_disconnected", connection=self._name)
        self.inbox.lose(Unavailable("the connection to NATS was lost"))
        for callback in self._lost:
            callback()

    async def _reconnected(self) -> None:
        _log.info("nats_reconnected", connection=self._name)
        for callback in self._returned:
            callback()


class _Echo:
    def __init__(self) -> None:
        self.heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(self, message: Msg) -> None:
        wake(self.heard)

    def lose(self, error: HeddleError) -> None:
        if not self.heard.done():
            self.heard.set_exception(error)


def wake(future: "asyncio.Future[None]") -> None:
    """Complete a future that another event may have completed already."""
    if not future.done():
        future.set_result(None)
