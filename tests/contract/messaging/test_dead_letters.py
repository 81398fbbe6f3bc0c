"""Messages that were given up: read, requeued and dropped, on every bus."""

import asyncio
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import DurableSubject
from libs.common.errors import NotFound
from libs.common.messaging.bus import GivenUp
from libs.common.messaging.dead_letters import DeadLetter, requeue_all
from tests.contract.messaging.conftest import Buses
from tests.contract.messaging.messages import Told, facts, work


class Choosy:
    """Fails, with a new error each time, until `willing`; notes what it then took."""

    def __init__(self) -> None:
        self.willing = False
        self.tries = 0
        self.took: list[str] = []
        self.tenants: list[UUID | None] = []
        self.calmed = asyncio.Event()

    async def __call__(self, told: Told, envelope: Envelope) -> None:
        if not self.willing:
            self.tries += 1
            raise RuntimeError(f"try {self.tries} of\nmany")
        self.took.append(told.text)
        self.tenants.append(envelope.tenant_id)
        self.calmed.set()


async def buried(
    buses: Buses, subject: DurableSubject[Told], tenant: UUID | None, texts: list[str]
) -> Choosy:
    """Let every text die at a consumer group `workers`, and wait for its letter."""
    choosy = Choosy()
    await buses.server.consume(subject, choosy, durable="workers", concurrency=1, max_deliveries=2)
    for text in texts:
        envelope = Envelope(tenant_id=tenant)
        await buses.client.enqueue(subject, Told(text=text), envelope=envelope, message_id=text[:9])
    await letters(buses, subject, tenant or uuid4(), len(texts))
    return choosy


async def letters(
    buses: Buses, subject: DurableSubject[Told], tenant: UUID, wanted: int
) -> tuple[DeadLetter, ...]:
    """The letters of `subject` as soon as there are `wanted`; waits at most 10 s."""
    async with asyncio.timeout(10):
        while True:
            page = await buses.dead.page(tenant, subject=subject.name)
            if len(page.letters) >= wanted:
                return page.letters
            await asyncio.sleep(0)


async def test_a_letter_tells_what_happened(buses: Buses) -> None:
    subject, tenant = work(), uuid4()
    await buried(buses, subject, tenant, ["bad"])
    (letter,) = await letters(buses, subject, tenant, 1)
    assert (letter.tenant_id, letter.subject, letter.consumer) == (tenant, subject.name, "workers")
    assert letter.first_error is not None
    assert letter.first_error.split() == ["RuntimeError:", "try", "1", "of", "many"]
    assert letter.last_error.split() == ["RuntimeError:", "try", "2", "of", "many"]
    assert letter.deliveries == 2
    assert letter.size == len(b'{"text":"bad"}')
    opened = await buses.dead.open(tenant, letter.id, body_bytes=6)
    assert (opened.letter, opened.body) == (letter, b'{"text')
    assert opened.headers["Heddle-Tenant"] == str(tenant)
    assert not [name for name in opened.headers if name.startswith("Heddle-Dead")]


async def test_a_requeued_message_is_taken_and_its_letter_gone(buses: Buses) -> None:
    subject, tenant = work(), uuid4()
    choosy = await buried(buses, subject, tenant, ["bad"])
    (letter,) = await letters(buses, subject, tenant, 1)
    choosy.willing = True
    assert await buses.dead.requeue(tenant, letter.id) == letter
    async with asyncio.timeout(10):
        await choosy.calmed.wait()
    assert (choosy.took, choosy.tenants) == (["bad"], [tenant])
    assert (await buses.dead.page(tenant, subject=subject.name)).letters == ()
    with pytest.raises(NotFound):
        await buses.dead.requeue(tenant, letter.id)


async def test_a_large_body_comes_back_whole(buses: Buses) -> None:
    subject, tenant, large = work(), uuid4(), "x" * 300_000
    choosy = await buried(buses, subject, tenant, [large])
    (letter,) = await letters(buses, subject, tenant, 1)
    assert letter.size > 300_000
    opened = await buses.dead.open(tenant, letter.id, body_bytes=1000)
    assert len(opened.body) == 1000
    # What carried it at first may have been collected since.
    choosy.willing = True
    await buses.dead.requeue(tenant, letter.id)
    async with asyncio.timeout(10):
        await choosy.calmed.wait()
    assert choosy.took == [large]


async def test_all_of_a_subject_go_back_and_no_others(buses: Buses) -> None:
    subject, other, tenant = work(), work(), uuid4()
    choosy = await buried(buses, subject, tenant, ["1", "2", "3"])
    await buried(buses, other, tenant, ["4"])
    choosy.willing = True
    assert await requeue_all(buses.dead, tenant, subject.name, 100) == 3
    async with asyncio.timeout(10):
        while len(choosy.took) < 3:
            await choosy.calmed.wait()
            choosy.calmed.clear()
    assert sorted(choosy.took) == ["1", "2", "3"]
    assert len(await letters(buses, other, tenant, 1)) == 1


@pytest.mark.parametrize("number", [-1, 0, 2**63, 2**64, 10**30])
async def test_a_number_that_no_letter_can_have_is_of_none(buses: Buses, number: int) -> None:
    subject, tenant = work(), uuid4()
    await buried(buses, subject, tenant, ["bad"])
    with pytest.raises(NotFound):
        await buses.dead.open(tenant, number, body_bytes=9)
    with pytest.raises(NotFound):
        await buses.dead.drop(tenant, number)
    beyond = await buses.dead.page(tenant, after=max(number, 2**63))
    assert (beyond.letters, beyond.more) == ((), False)


async def test_pages_follow_each_other(buses: Buses) -> None:
    subject, tenant = work(), uuid4()
    await buried(buses, subject, tenant, ["1", "2", "3"])
    whole = [letter.id for letter in await letters(buses, subject, tenant, 3)]
    first = await buses.dead.page(tenant, subject=subject.name, limit=2)
    second = await buses.dead.page(tenant, subject=subject.name, limit=2, after=whole[1])
    assert [letter.id for letter in first.letters + second.letters] == whole
    assert (first.more, second.more) == (True, False)


async def test_a_dropped_letter_is_gone(buses: Buses) -> None:
    subject, tenant = work(), uuid4()
    await buried(buses, subject, tenant, ["bad"])
    (letter,) = await letters(buses, subject, tenant, 1)
    await buses.dead.drop(tenant, letter.id)
    assert (await buses.dead.page(tenant, subject=subject.name)).letters == ()
    with pytest.raises(NotFound):
        await buses.dead.open(tenant, letter.id, body_bytes=1)


async def test_other_tenants_letters_are_unknown_and_the_platforms_are_not(buses: Buses) -> None:
    subject, tenant, stranger = work(), uuid4(), uuid4()
    await buried(buses, subject, tenant, ["bad"])
    (letter,) = await letters(buses, subject, tenant, 1)
    assert (await buses.dead.page(stranger, subject=subject.name)).letters == ()
    for act in (buses.dead.requeue, buses.dead.drop):
        with pytest.raises(NotFound):
            await act(stranger, letter.id)
    ours = work()
    await buried(buses, ours, None, ["bad"])
    (of_platform,) = await letters(buses, ours, stranger, 1)
    assert of_platform.tenant_id is None


async def test_a_requeued_fact_goes_to_the_group_that_gave_it_up(buses: Buses) -> None:
    subject, tenant = facts(), uuid4()
    fine = Choosy()
    fine.willing = True
    await buses.server.consume(subject, fine, durable="fine", concurrency=1)
    choosy = await buried(buses, subject, tenant, ["bad"])
    (letter,) = await letters(buses, subject, tenant, 1)
    choosy.willing = True
    await buses.dead.requeue(tenant, letter.id)
    async with asyncio.timeout(10):
        await choosy.calmed.wait()
    after = Told(text="next")
    fine.calmed.clear()
    await buses.client.enqueue(subject, after, envelope=Envelope(), message_id="next")
    async with asyncio.timeout(10):
        await fine.calmed.wait()
    # One after the other: had it been given the requeued one as well, it stood between.
    assert fine.took == ["bad", "next"]


async def test_a_handler_may_give_a_message_up_at_once(buses: Buses) -> None:
    subject, tenant = work(), uuid4()

    async def refuse(told: Told, envelope: Envelope) -> None:
        raise GivenUp(f"no use: {told.text}")

    await buses.server.consume(subject, refuse, durable="workers", max_deliveries=9)
    envelope = Envelope(tenant_id=tenant)
    await buses.client.enqueue(subject, Told(text="it"), envelope=envelope, message_id="1")
    (letter,) = await letters(buses, subject, tenant, 1)
    assert letter.deliveries == 1
    assert letter.last_error.split() == ["GivenUp:", "no", "use:", "it"]
