"""What the bus does when NATS or the other side goes away."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.errors import Busy, Unavailable, UpstreamTimeout
from libs.common.messaging.body_references import BodyReferences
from libs.common.messaging.nats_bus import NatsBus
from libs.common.messaging.nats_connection import NatsConnection
from tests.contract.messaging.conftest import ObjectsInMemory, nats_bus
from tests.contract.messaging.messages import Ask, Told, counting, news, question, work
from tests.support.own_nats import OwnNats


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[OwnNats]:
    nats = OwnNats(tmp_path)
    yield nats
    nats.stop()


@pytest.fixture
async def bus(own_nats: OwnNats) -> AsyncGenerator[NatsBus]:
    bus = nats_bus(own_nats.server.url, "server", ObjectsInMemory())
    await bus.start()
    yield bus
    await bus.close()


async def echo(ask: Ask, _envelope: Envelope) -> Told:
    return Told(text=ask.text)


async def test_everything_goes_on_after_nats_was_away(own_nats: OwnNats, bus: NatsBus) -> None:
    subject, jobs, waiting = question(), work(), question()
    back, begun, released = asyncio.Event(), asyncio.Event(), asyncio.Event()
    done: asyncio.Queue[str] = asyncio.Queue()

    async def never(_ask: Ask, _envelope: Envelope) -> Told:
        begun.set()
        await released.wait()
        return Told()

    async def take(told: Told, _envelope: Envelope) -> None:
        done.put_nowait(told.text)

    bus.on_reconnect(back.set)
    await bus.serve(subject, echo)
    await bus.serve(waiting, never)
    await bus.consume(jobs, take, durable="workers")
    broadcast = news()
    async with bus.listen(broadcast) as listener:
        under_way = asyncio.create_task(
            bus.request(waiting, Ask(), envelope=Envelope(), timeout=60)
        )
        async with asyncio.timeout(30):
            await begun.wait()
            await asyncio.to_thread(own_nats.stop)
            with pytest.raises(Unavailable):
                await under_way
            released.set()
            with pytest.raises(Unavailable):
                await bus.request(subject, Ask(), envelope=Envelope(), timeout=60)
            await asyncio.to_thread(own_nats.start)
            await back.wait()
            told = await bus.request(subject, Ask(text="hi"), envelope=Envelope(), timeout=5)
            assert told.text == "hi"
            await bus.enqueue(jobs, Told(text="job"), envelope=Envelope(), message_id="1")
            assert await done.get() == "job"
            with pytest.raises(Busy):
                await listener.next(timeout=5)
            await bus.broadcast(broadcast, Told(text="news"), envelope=Envelope())
            assert await listener.next(timeout=5) == Told(text="news")


async def test_a_server_that_falls_silent_is_given_up(own_nats: OwnNats, bus: NatsBus) -> None:
    subject = counting()
    silent = NatsConnection(own_nats.server.url, "silent")
    await silent.start(10)

    async def swallow(_message: Msg) -> None: ...

    try:
        await silent.subscribe(subject.name, swallow)
        parts = bus.stream(subject, Ask(), envelope=Envelope(), timeout=30, idle_timeout=0.1)
        with pytest.raises(UpstreamTimeout):
            await anext(parts)
    finally:
        await silent.close()


async def test_a_reader_whose_process_died_closes_the_handler(
    own_nats: OwnNats, bus: NatsBus
) -> None:
    subject = counting()
    closed = asyncio.Event()

    async def endless(_ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        try:
            yield Told(text="first")
            await asyncio.Event().wait()
        finally:
            closed.set()

    await bus.serve_stream(subject, endless)
    raw = Client()
    await raw.connect(own_nats.server.url)
    heard = asyncio.Event()

    async def hear(message: Msg) -> None:
        if message.data:
            heard.set()

    await raw.subscribe("inbox.raw", cb=hear)  # pyright: ignore[reportUnknownMemberType]
    await raw.publish(subject.name, b"{}", "inbox.raw", {"Heddle-Idle-Ms": "300"})
    async with asyncio.timeout(10):
        await heard.wait()
        await raw.close()
        await closed.wait()


async def test_services_can_be_discovered(own_nats: OwnNats, bus: NatsBus) -> None:
    await bus.serve(question(), echo)
    raw = Client()
    await raw.connect(own_nats.server.url)
    answer = await raw.request("$SRV.PING.server", timeout=5)
    assert b'"name": "server"' in answer.data
    await raw.close()


async def test_bodies_are_collected_when_no_message_can_name_them() -> None:
    objects = ObjectsInMemory()
    bodies = BodyReferences(objects)
    await bodies.outgoing(bytes(300_000), {})
    await bodies.outgoing(bytes(300_000), {}, kept=True)
    now = SystemClock().now()
    found = [await bodies.collect(now + timedelta(hours=hours)) for hours in (23, 25, 25, 24 * 9)]
    assert found == [0, 1, 0, 1]
    assert objects.bodies == {}


async def test_a_wrong_password_is_told(own_nats: OwnNats) -> None:
    url = own_nats.server.url.replace(":test@", ":wrong@")
    with pytest.raises(Unavailable):
        await nats_bus(url, "server", ObjectsInMemory()).start(timeout=0.5)


async def test_it_stops_serving_and_still_calls(own_nats: OwnNats, bus: NatsBus) -> None:
    subject, other = question(), question()
    other_bus = nats_bus(own_nats.server.url, "other", ObjectsInMemory())
    await other_bus.start()
    try:
        await other_bus.serve(other, echo)
        await bus.serve(subject, echo)
        await bus.stop_serving()
        with pytest.raises(Unavailable):
            await other_bus.request(subject, Ask(), envelope=Envelope(), timeout=5)
        told = await bus.request(other, Ask(text="still"), envelope=Envelope(), timeout=5)
        assert told.text == "still"
    finally:
        await other_bus.close()
