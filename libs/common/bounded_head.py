"""HTTP connections whose request heads are bounded in bytes and in time."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 64 * 1024
"""A request line with its headers; what arrives with its first bytes does not count."""
MOST_SECONDS = 30.0
"""From the connection, or the first byte of a further request, to the end of its head."""


class BoundedHead(HttpToolsProtocol):
    """The parser keeps a head of any size, and waits for its end for ever; this hangs up."""

    _head: int | None = None
    _patience: asyncio.TimerHandle | None = None

    # uvicorn leaves its callbacks' types open.
    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        begun = self._head is not None
        super().data_received(data)
        if begun and self._head is not None:
            self._head += len(data)
            if self._head > MOST_BYTES:
                self._settle()
                self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        self._head = 0
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._settle()
        super().on_headers_complete()

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(MOST_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._settle()
        if not self.transport.is_closing():
            self.transport.close()

    def _settle(self) -> None:
        self._head = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
