"""Heads of requests without end, in bytes or in time."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from libs.common import bounded_head
from libs.common.service_host import ServiceHost

_GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    host = ServiceHost("bakery")
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(host.serve("127.0.0.1", 0, listening=listening.set_result))
    yield await listening
    host.stop()
    await serving


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
    monkeypatch.setattr(bounded_head, "MOST_SECONDS", 0.2)
    answered = await _answer(port, said)
    assert answered.count(b"200 OK") == said.count(b"\r\n\r\n")
