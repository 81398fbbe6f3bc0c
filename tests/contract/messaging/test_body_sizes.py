"""Small and large bodies on every kind of subject of every bus."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.common.contracts.envelope import Envelope
from tests.contract.messaging.conftest import Buses
from tests.contract.messaging.messages import Ask, Told, counting, facts, news, question

KIB256 = 256 * 1024
FRAME = len('{"text":""}')
SIZES = [0, KIB256 - 1 - FRAME, KIB256 - FRAME, KIB256 + 1 - FRAME, 20 * 1024 * 1024]

pytestmark = pytest.mark.parametrize("size", SIZES)


async def test_requests(buses: Buses, size: int) -> None:
    subject = question()

    async def answer(ask: Ask, _envelope: Envelope) -> Told:
        return Told(text=ask.text)

    await buses.server.serve(subject, answer)
    told = await buses.client.request(
        subject, Ask(text="x" * size), envelope=Envelope(), timeout=20
    )
    assert len(told.text) == size


async def test_streams(buses: Buses, size: int) -> None:
    subject = counting()

    async def answer(ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        yield Told(text="before")
        yield Told(text=ask.text)
        yield Told(text="after")

    await buses.server.serve_stream(subject, answer)
    parts = [
        len(part.text)
        async for part in buses.client.stream(
            subject, Ask(text="x" * size), envelope=Envelope(), timeout=20, idle_timeout=10
        )
    ]
    assert parts == [6, size, 5]


async def test_broadcasts(buses: Buses, size: int) -> None:
    subject = news()
    async with buses.client.listen(subject) as listener:
        await buses.server.broadcast(subject, Told(text="x" * size), envelope=Envelope())
        heard = await listener.next(timeout=10)
    assert heard is not None
    assert len(heard.text) == size


async def test_durable_messages(buses: Buses, size: int) -> None:
    subject = facts()
    heard: asyncio.Queue[int] = asyncio.Queue()

    async def take(told: Told, _envelope: Envelope) -> None:
        heard.put_nowait(len(told.text))

    await buses.server.consume(subject, take, durable="reader")
    await buses.client.enqueue(
        subject, Told(text="x" * size), envelope=Envelope(), message_id="one"
    )
    async with asyncio.timeout(20):
        assert await heard.get() == size
