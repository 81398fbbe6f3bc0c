"""One subscription for all answers of a process: a call needs none of its own."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol
from uuid import uuid4

from nats.aio.msg import Msg

from libs.common.errors import HeddleError
from libs.common.messaging.headers import CONTROL


class Receiver(Protocol):
    """Who waits at an address of the inbox."""

    def receive(self, message: Msg) -> None: ...

    def lose(self, error: HeddleError) -> None:
        """The connection broke: answers may have been lost."""
        ...


class Inbox:
    """Hands messages to whoever opened their address. `close_stream` tells a server's control
    subject that nobody reads its stream."""

    def __init__(self, close_stream: Callable[[str], Awaitable[None]]) -> None:
        self._close_stream = close_stream
        self._receivers: dict[str, Receiver] = {}
        self._numbers = count(1)
        self._prefix = f"_INBOX.{uuid4().hex}."

    @property
    def pattern(self) -> str:
        """What the process subscribes to, with `deliver` as its callback."""
        return f"{self._prefix}*"

    def open(self, receiver: Receiver) -> str:
        """A fresh address, until `close`."""
        address = f"{self._prefix}{next(self._numbers)}"
        self._receivers[address] = receiver
        return address

    def close(self, address: str) -> None:
        self._receivers.pop(address, None)

    def lose(self, error: HeddleError) -> None:
        """Fail everybody who waits."""
        for receiver in list(self._receivers.values()):
            receiver.lose(error)

    async def deliver(self, message: Msg) -> None:
        receiver = self._receivers.get(message.subject)
        if receiver is not None:
            receiver.receive(message)
            return
        control = message.headers.get(CONTROL) if message.headers else None
        if control is not None:
            # The reader left before it knew where to say so.
            await self._close_stream(control)
