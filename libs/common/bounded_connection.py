"""HTTP connections that are not waited for without end: heads are bounded in bytes and in time,
bodies in time, and whoever does not read its answer is cut off."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
"""A request line with its headers; what arrives with its first bytes does not count."""
MOST_HEAD_SECONDS = 30.0
"""From the connection, or the first byte of a further request, to the end of its head."""
MOST_BODY_SECONDS = 300.0
"""From the end of a head to the end of its body."""
MOST_UNREAD_SECONDS = 60.0
"""How long what was written may wait for a reader, once the buffers between are full."""


class BoundedConnection(HttpToolsProtocol):
    """The parser keeps a head of any size and waits for ever: for the end of a head or a body, and
    for a reader. This hangs up. An answer whose reader was cut off counts as disconnected."""

    _head: int | None = None
    _patience: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    # uvicorn leaves its callbacks' types open.
    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait(MOST_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head = None
        self._settle()
        self._read_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        begun = self._head is not None
        super().data_received(data)
        if begun and self._head is not None:
            self._head += len(data)
            if self._head > MOST_HEAD_BYTES:
                self._head = None
                self._settle()
                self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        self._head = 0
        if self._patience is None:
            self._wait(MOST_HEAD_SECONDS)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = None
        self._settle()
        self._wait(MOST_BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._settle()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._reader is None:
            self._reader = self._after(MOST_UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._read_on()
        super().resume_writing()

    def _wait(self, seconds: float) -> None:
        self._patience = self._after(seconds, self.transport.close)

    def _after(self, seconds: float, hang_up: Callable[[], object]) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, hang_up)

    def _settle(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _read_on(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None
