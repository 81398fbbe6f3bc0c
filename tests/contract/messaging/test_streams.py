"""Streams of parts, on every bus."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import pytest

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import StreamSubject
from libs.common.errors import Busy, Unavailable, UpstreamTimeout
from tests.contract.messaging.conftest import Buses
from tests.contract.messaging.messages import Ask, PotTooSmall, Told, counting


async def count(ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
    for n in range(ask.count):
        yield Told(text=str(n))


def ask_for(
    buses: Buses,
    subject: StreamSubject[Ask, Told],
    number: int,
    *,
    timeout: float = 10,
    idle_timeout: float = 5,
) -> AsyncIterator[Told]:
    return buses.client.stream(
        subject,
        Ask(count=number),
        envelope=Envelope(),
        timeout=timeout,
        idle_timeout=idle_timeout,
    )


async def test_parts_come_in_order_then_the_end(buses: Buses) -> None:
    subject = counting()
    await buses.server.serve_stream(subject, count)
    assert [part.text async for part in ask_for(buses, subject, 3000)] == [
        str(n) for n in range(3000)
    ]


async def test_an_empty_stream_ends(buses: Buses) -> None:
    subject = counting()
    await buses.server.serve_stream(subject, count)
    assert [part async for part in ask_for(buses, subject, 0)] == []


async def test_an_error_in_the_middle_follows_the_parts_before_it(buses: Buses) -> None:
    subject = counting()

    async def fail(_ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        yield Told(text="one")
        yield Told(text="two")
        raise PotTooSmall("full")

    await buses.server.serve_stream(subject, fail)
    parts = ask_for(buses, subject, 0)
    assert [(await anext(parts)).text, (await anext(parts)).text] == ["one", "two"]
    with pytest.raises(PotTooSmall):
        await anext(parts)


async def test_keep_alives_carry_a_slow_handler_over_the_idle_bound(buses: Buses) -> None:
    subject = counting()

    async def slow(_ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        never = asyncio.Event()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(never.wait(), 0.5)
        yield Told(text="late")

    await buses.server.serve_stream(subject, slow)
    parts = [part.text async for part in ask_for(buses, subject, 0, idle_timeout=0.2)]
    assert parts == ["late"]


async def test_the_whole_bound_holds(buses: Buses) -> None:
    subject = counting()

    async def never(_ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        await asyncio.Event().wait()
        yield Told()

    await buses.server.serve_stream(subject, never)
    with pytest.raises(UpstreamTimeout):
        _ = [part async for part in ask_for(buses, subject, 0, timeout=0.2)]


async def test_a_leaving_reader_closes_the_handler(buses: Buses) -> None:
    subject = counting()
    closed = asyncio.Event()

    async def endless(_ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        try:
            yield Told(text="first")
            await asyncio.Event().wait()
        finally:
            closed.set()

    await buses.server.serve_stream(subject, endless)
    # A stream is an async generator on every bus; the contract only promises its iteration.
    parts = cast("AsyncGenerator[Told, None]", ask_for(buses, subject, 0))
    async with aclosing(parts):
        assert (await anext(parts)).text == "first"
    async with asyncio.timeout(5):
        await closed.wait()


async def test_nobody_serves(buses: Buses) -> None:
    with pytest.raises(Unavailable):
        _ = [part async for part in ask_for(buses, counting(), 1)]


async def test_over_the_limit_is_busy(buses: Buses) -> None:
    subject = counting()

    async def endless(_ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        yield Told(text="first")
        await asyncio.Event().wait()

    await buses.server.serve_stream(subject, endless, limit=1)
    first = ask_for(buses, subject, 0)
    await anext(first)
    with pytest.raises(Busy):
        _ = [part async for part in ask_for(buses, subject, 0)]
    del first


async def test_a_reader_that_stands_still_gets_an_error_not_a_gap(buses: Buses) -> None:
    subject = counting()
    finished = asyncio.Event()

    async def flood(_ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        try:
            for n in range(12_000):
                yield Told(text=str(n))
                if n % 100 == 0:
                    await asyncio.sleep(0)
        finally:
            finished.set()

    await buses.server.serve_stream(subject, flood)
    heard: list[str] = []

    async def read_late() -> None:
        async for part in ask_for(buses, subject, 0, timeout=30):
            if not heard:
                await finished.wait()
            heard.append(part.text)

    with pytest.raises(Busy):
        await read_late()
    assert heard == [str(n) for n in range(len(heard))]
