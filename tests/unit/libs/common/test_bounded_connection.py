"""Requests without end, in bytes or in time, and readers that never read."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from libs.common import bounded_connection
from libs.common.service_host import ServiceHost

_GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


class Oven:
    """Gives out bread for as long as somebody takes it; `given` loaves so far."""

    def __init__(self) -> None:
        self.light()

    def light(self) -> None:
        self.given = 0
        self.closed = asyncio.Event()

    async def loaves(self) -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"loaf" * 16_000
                self.given += 1
                await asyncio.sleep(0)
        finally:
            self.closed.set()


_oven = Oven()


def _bakery() -> APIRouter:
    router = APIRouter()

    @router.get("/bread")
    async def bread() -> StreamingResponse:
        return StreamingResponse(_oven.loaves())

    @router.post("/orders")
    async def order(request: Request) -> str:
        return str(len(await request.body()))

    _ = (bread, order)
    return router


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    host = ServiceHost("bakery", routers=[_bakery()])
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(host.serve("127.0.0.1", 0, listening=listening.set_result))
    yield await listening
    host.stop()
    await serving


_POST = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n"


async def _answer(port: int, *pieces: bytes) -> bytes:
    """Everything that comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


async def test_heads_within_the_bound_are_answered(port: int) -> None:
    large = _GET + b"X-Large: " + b"x" * 30_000 + b"\r\n"
    answered = await _answer(port, large + b"\r\n", large, b"Connection: close\r\n\r\n")
    assert answered.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    "piece", [b"X-More: " + b"x" * 1000 + b"\r\n", b"x" * 1000], ids=["many", "one"]
)
async def test_headers_without_end_are_cut_off(port: int, piece: bytes) -> None:
    answered = await _answer(port, _GET + b"X-First: x", *[piece] * 3000)
    assert b"200 OK" not in answered
    assert b"200 OK" in await _answer(port, _GET + b"Connection: close\r\n\r\n")


@pytest.mark.parametrize("said", [b"", _GET, _GET + b"\r\n" + _GET], ids=["none", "half", "again"])
async def test_a_head_that_never_ends_is_not_waited_for(
    port: int, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_connection, "MOST_HEAD_SECONDS", 0.2)
    answered = await _answer(port, said)
    assert answered.count(b"200 OK") == said.count(b"\r\n\r\n")


@pytest.mark.parametrize("said", [_POST, _POST + b"half", _POST + b"wholewho" + _POST + b"half"])
async def test_a_body_that_never_ends_is_not_waited_for(
    port: int, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_connection, "MOST_BODY_SECONDS", 0.2)
    answered = await _answer(port, said)
    assert answered.count(b"200 OK") == said.count(_POST) - 1


async def test_a_body_in_pieces_within_its_time_is_taken(port: int) -> None:
    answered = await _answer(port, _POST, b"half", b"half", _GET + b"Connection: close\r\n\r\n")
    assert answered.count(b"200 OK") == 2


async def test_who_does_not_read_is_cut_off_and_its_answer_ended(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_connection, "MOST_UNREAD_SECONDS", 0.3)
    _oven.light()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.write(b"GET /bread HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(10):
        await _oven.closed.wait()
    # What lies in the buffers of both sides is all that was ever made.
    assert _oven.given < 1000
    writer.transport.abort()
    del reader


async def test_who_reads_slowly_is_served(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_connection, "MOST_UNREAD_SECONDS", 2.0)
    _oven.light()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=64_000)
    writer.write(b"GET /bread HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(30):
        while _oven.given < 400:
            assert await reader.read(1_000_000)
    assert not _oven.closed.is_set()
    writer.transport.abort()
    async with asyncio.timeout(10):
        await _oven.closed.wait()
