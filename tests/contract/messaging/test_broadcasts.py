"""Broadcasts, on every bus."""

import pytest

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import Broadcast
from libs.common.errors import Busy
from libs.common.messaging.bus import LISTENER_BYTES
from tests.contract.messaging.conftest import Buses
from tests.contract.messaging.messages import Told, fresh, news


async def test_everyone_who_listens_hears_in_order(buses: Buses) -> None:
    subject = news()
    async with buses.client.listen(subject) as one, buses.client.listen(subject) as two:
        for n in range(50):
            await buses.server.broadcast(subject, Told(text=str(n)), envelope=Envelope())
        for listener in (one, two):
            heard = [await listener.next(timeout=5) for _ in range(50)]
            assert heard == [Told(text=str(n)) for n in range(50)]


async def test_a_wildcard_hears_one_token(buses: Buses) -> None:
    word = fresh("news")
    every = Broadcast(f"suite.{word}.*", Told)
    async with buses.client.listen(every) as listener:
        for name in (f"suite.{word}.a.b", f"suite.{word}.a", f"suite.{word}.b"):
            await buses.server.broadcast(
                Broadcast(name, Told), Told(text=name), envelope=Envelope()
            )
        assert await listener.next(timeout=5) == Told(text=f"suite.{word}.a")
        assert await listener.next(timeout=5) == Told(text=f"suite.{word}.b")


async def test_silence_is_none(buses: Buses) -> None:
    async with buses.client.listen(news()) as listener:
        assert await listener.next(timeout=0.01) is None


async def test_an_overflow_is_told_once_and_hearing_goes_on(buses: Buses) -> None:
    subject = news()
    async with (
        buses.client.listen(subject) as witness,
        buses.client.listen(subject, limit=3) as listener,
    ):
        for n in range(5):
            await buses.server.broadcast(subject, Told(text=str(n)), envelope=Envelope())
        for _ in range(5):
            await witness.next(timeout=5)
        with pytest.raises(Busy):
            await listener.next(timeout=5)
        await buses.server.broadcast(subject, Told(text="after"), envelope=Envelope())
        assert await listener.next(timeout=5) == Told(text="after")


async def test_a_reader_who_stands_still_keeps_a_bounded_amount(buses: Buses) -> None:
    subject, piece = news(), "x" * 200_000
    count = LISTENER_BYTES // len(piece) + 10
    async with (
        buses.client.listen(subject) as witness,
        buses.client.listen(subject) as listener,
    ):
        for _ in range(count):
            await buses.server.broadcast(subject, Told(text=piece), envelope=Envelope())
            assert await witness.next(timeout=5) is not None
        assert listener.behind < count
        with pytest.raises(Busy):
            await listener.next(timeout=5)
        await buses.server.broadcast(subject, Told(text="after"), envelope=Envelope())
        heard = [await listener.next(timeout=5)]
        # What was still on its way when the overflow was told.
        while heard[-1] == Told(text=piece):
            heard.append(await listener.next(timeout=5))
        assert heard[-1] == Told(text="after")
        assert len(heard) < count


async def test_nobody_listens_is_no_error(buses: Buses) -> None:
    await buses.server.broadcast(news(), Told(), envelope=Envelope())
