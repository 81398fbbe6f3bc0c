"""Durable messages, on every bus."""

import asyncio
from uuid import uuid4

from libs.common.contracts.envelope import Envelope
from tests.contract.messaging.conftest import Buses
from tests.contract.messaging.messages import Told, facts, work


class Taken:
    """Notes what a handler got."""

    def __init__(self, wanted: int) -> None:
        self.texts: list[str] = []
        self.envelopes: list[Envelope] = []
        self.complete = asyncio.Event()
        self._wanted = wanted

    async def __call__(self, told: Told, envelope: Envelope) -> None:
        self.texts.append(told.text)
        self.envelopes.append(envelope)
        if len(self.texts) >= self._wanted:
            self.complete.set()


async def within_ten_seconds(event: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await event.wait()


async def test_what_was_stored_before_anybody_consumed_is_delivered(buses: Buses) -> None:
    subject = work()
    tenant = uuid4()
    for n in range(40):
        await buses.client.enqueue(
            subject,
            Told(text=str(n)),
            envelope=Envelope(tenant_id=tenant),
            message_id=f"m{n}",
        )
    taken = Taken(40)
    await buses.server.consume(subject, taken, durable="workers", concurrency=4)
    await within_ten_seconds(taken.complete)
    assert sorted(taken.texts, key=int) == [str(n) for n in range(40)]
    assert {envelope.tenant_id for envelope in taken.envelopes} == {tenant}


async def test_nobodys_deadline_is_kept(buses: Buses) -> None:
    subject = work()
    taken = Taken(1)
    await buses.server.consume(subject, taken, durable="workers", concurrency=1)
    sent = Envelope(tenant_id=uuid4(), remaining_seconds=2.5)
    await buses.client.enqueue(subject, Told(text="a"), envelope=sent, message_id="1")
    await within_ten_seconds(taken.complete)
    (heard,) = taken.envelopes
    assert (heard.tenant_id, heard.remaining_seconds) == (sent.tenant_id, None)


async def test_the_same_message_id_is_stored_once(buses: Buses) -> None:
    subject = work()
    taken = Taken(2)
    await buses.server.consume(subject, taken, durable="workers", concurrency=1)
    for text, message_id in (("a", "1"), ("again", "1"), ("b", "2")):
        await buses.client.enqueue(
            subject, Told(text=text), envelope=Envelope(), message_id=message_id
        )
    await within_ten_seconds(taken.complete)
    assert taken.texts == ["a", "b"]


async def test_every_durable_sees_every_fact(buses: Buses) -> None:
    subject = facts()
    one, two = Taken(3), Taken(3)
    await buses.server.consume(subject, one, durable="one", concurrency=1)
    await buses.client.consume(subject, two, durable="two", concurrency=1)
    for n in range(3):
        await buses.client.enqueue(
            subject, Told(text=str(n)), envelope=Envelope(), message_id=str(n)
        )
    await within_ten_seconds(one.complete)
    await within_ten_seconds(two.complete)
    assert one.texts == two.texts == ["0", "1", "2"]


async def test_members_of_one_group_share_the_work(buses: Buses) -> None:
    subject = work()
    taken = Taken(20)
    await buses.server.consume(subject, taken, durable="workers", concurrency=2)
    await buses.client.consume(subject, taken, durable="workers", concurrency=2)
    for n in range(20):
        await buses.client.enqueue(
            subject, Told(text=str(n)), envelope=Envelope(), message_id=str(n)
        )
    await within_ten_seconds(taken.complete)
    assert sorted(taken.texts, key=int) == [str(n) for n in range(20)]


async def test_a_failed_message_comes_again(buses: Buses) -> None:
    subject = work()
    tries: list[str] = []
    done = asyncio.Event()

    async def stumble(told: Told, _envelope: Envelope) -> None:
        tries.append(told.text)
        if len(tries) < 3:
            raise RuntimeError("not yet")
        done.set()

    await buses.server.consume(subject, stumble, durable="workers")
    await buses.client.enqueue(subject, Told(text="x"), envelope=Envelope(), message_id="x")
    await within_ten_seconds(done)
    assert tries == ["x", "x", "x"]


async def test_a_hopeless_message_does_not_hold_up_the_next(buses: Buses) -> None:
    subject = work()
    good = asyncio.Event()

    async def choke(told: Told, _envelope: Envelope) -> None:
        if told.text == "bad":
            raise RuntimeError("will not go down")
        good.set()

    await buses.server.consume(subject, choke, durable="workers", concurrency=1, max_deliveries=2)
    for text in ("bad", "good"):
        await buses.client.enqueue(subject, Told(text=text), envelope=Envelope(), message_id=text)
    await within_ten_seconds(good)
