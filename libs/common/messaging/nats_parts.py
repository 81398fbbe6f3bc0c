"""Numbered parts of one stream on its way to one reader."""

import asyncio
from contextlib import suppress

from nats.aio.msg import Msg

from libs.common.errors import HeddleError, Unavailable
from libs.common.messaging import headers as names
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.nats_connection import NatsConnection

_BEATS_PER_IDLE_BOUND = 3
_LONGEST_BEAT_SECONDS = 5.0


class PartWriter:
    """Sends parts to the reply address of `request`; `sealing` are the headers of sealed ones."""

    def __init__(self, connection: NatsConnection, bodies: BodyReferences, request: Msg) -> None:
        self._connection = connection
        self._bodies = bodies
        self._reply = request.reply
        idle = (request.headers or {}).get(names.IDLE_MS)
        bound = int(idle) / 1000 if idle else _LONGEST_BEAT_SECONDS
        self._beat = min(bound / _BEATS_PER_IDLE_BOUND, _LONGEST_BEAT_SECONDS)
        self._number = 0
        self.sealing: dict[str, str] = {}

    async def write(self, body: bytes, headers: dict[str, str]) -> None:
        """Send the next part; `headers` say whether it is an end or an error."""
        self._number += 1
        headers[names.SEQ] = str(self._number)
        headers |= self.sealing
        body = await self._bodies.outgoing(body, headers)
        await self._connection.publish(self._reply, body, headers=headers)

    async def keep_alive(self, control: str) -> None:
        """Say now and then that we live, and where to tell us that nobody reads any more.

        `control` is also the reply address: when the reader's process is gone, NATS itself
        answers there that nobody listens.
        """
        headers = {names.ALIVE: "1", names.CONTROL: control}
        with suppress(Unavailable):  # without a connection the stream ends by itself
            while True:
                await self._connection.publish(self._reply, b"", headers=headers, reply=control)
                await asyncio.sleep(self._beat)


class Reader:
    """Ends `task`, which writes the stream, when its reader goes away."""

    def __init__(self, task: asyncio.Task[None] | None) -> None:
        self.gone = False
        self._task = task

    def receive(self, message: Msg) -> None:
        self._leave()

    def lose(self, error: HeddleError) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._task is not None and not self.gone:
            self.gone = True
            self._task.cancel()
