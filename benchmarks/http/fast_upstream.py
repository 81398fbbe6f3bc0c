"""A model provider that costs next to nothing: one short streamed answer, made beforehand.

    python -m benchmarks.http.fast_upstream

Prints its port. `GET /instants` tells, and forgets, when each request was complete and when its
answer was written, as pairs of Unix seconds in their order.
"""

import asyncio
import json
import time
from typing import cast

import uvloop

from deploy.local.loopback import LOOPBACK

WORDS = ("The", " quick", " brown", " fox", " jumps", " over", " it", ".")
_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_OK = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ntransfer-encoding: chunked\r\n\r\n"


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def _event(data: object) -> bytes:
    return _chunk(b"data: " + json.dumps(data).encode() + b"\n\n")


def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


_USAGE = {"prompt_tokens": 10, "completion_tokens": len(WORDS), "total_tokens": 10 + len(WORDS)}
# A piece a word, as providers send them.
_PIECES = (
    _OK % b"text/event-stream",
    *(_event(_choice({"content": word})) for word in WORDS),
    _event(_choice({}, "stop")),
    _event({"choices": [], "usage": _USAGE}),
    _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
)


class _Connection(asyncio.Protocol):
    """One client; its requests come one after the other."""

    def __init__(self, instants: list[tuple[float, float]]) -> None:
        self._instants = instants
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is no subclass of asyncio's, and does the same.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, end, body = self._heard.partition(_END)
        if not end:
            return
        lines = head.lower().split(b"\r\n")
        length = next((int(each[len(_LENGTH) :]) for each in lines if each.startswith(_LENGTH)), 0)
        if len(body) < length:
            return
        self._heard = body[length:]
        if head.startswith(b"GET"):
            told, self._instants[:] = json.dumps(self._instants).encode(), []
            self._transport.write(_OK % b"application/json" + _chunk(told) + b"0\r\n\r\n")
            return
        received = time.time()
        for piece in _PIECES:
            self._transport.write(piece)
        self._instants.append((received, time.time()))


async def _serve() -> None:
    instants: list[tuple[float, float]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(instants), LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
