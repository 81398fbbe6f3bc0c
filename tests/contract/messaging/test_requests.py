"""Requests and their answers, on every bus."""

import asyncio
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.envelope import Effect, Envelope
from libs.common.errors import (
    Busy,
    HeddleError,
    InvalidInput,
    Unavailable,
    UpstreamError,
    UpstreamTimeout,
)
from tests.contract.messaging.conftest import Buses
from tests.contract.messaging.messages import Ask, PotTooSmall, Told, question


async def test_answer_comes_back(buses: Buses) -> None:
    subject = question()

    async def answer(ask: Ask, _envelope: Envelope) -> Told:
        return Told(text=ask.text.upper())

    await buses.server.serve(subject, answer)
    told = await buses.client.request(subject, Ask(text="é☃"), envelope=Envelope(), timeout=5)
    assert told == Told(text="É☃")


async def test_one_process_is_addressed(buses: Buses) -> None:
    subject = question().at("server-1")

    async def answer(ask: Ask, _envelope: Envelope) -> Told:
        return Told(text=ask.text)

    await buses.server.serve(subject, answer)
    told = await buses.client.request(subject, Ask(text="you"), envelope=Envelope(), timeout=5)
    assert told.text == "you"


async def test_envelope_travels(buses: Buses) -> None:
    subject = question()
    effect = Effect(
        run_id=uuid4(), epoch=3, key="t/r/nöde/-/0/0", request_hash="ab", effect_class="model"
    )
    sent = Envelope(
        tenant_id=uuid4(),
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
        tracestate="vendor=1",
        schema_version=2,
        effect=effect,
    )
    seen: list[Envelope] = []

    async def answer(_ask: Ask, envelope: Envelope) -> Told:
        seen.append(envelope)
        return Told()

    await buses.server.serve(subject, answer)
    await buses.client.request(subject, Ask(), envelope=sent, timeout=2.5)
    assert seen == [sent.model_copy(update={"remaining_seconds": 2.5})]


@pytest.mark.parametrize(
    "error",
    [
        PotTooSmall("it holds one cup", extra={"cups": 1}),
        UpstreamError("no", upstream_status=429, retryable=True, retry_after=3.0),
        Busy("full", retry_after=0.5),
    ],
)
async def test_errors_are_raised_again(buses: Buses, error: HeddleError) -> None:
    subject = question()

    async def fail(_ask: Ask, _envelope: Envelope) -> Told:
        raise error

    await buses.server.serve(subject, fail)
    with pytest.raises(type(error)) as caught:
        await buses.client.request(subject, Ask(), envelope=Envelope(), timeout=5)
    assert caught.value.message == error.message
    assert caught.value.retry_after == error.retry_after
    assert caught.value.extra == error.extra
    assert caught.value.retryable == error.retryable


async def test_unexpected_error_is_internal_and_says_nothing(buses: Buses) -> None:
    subject = question()

    async def fail(_ask: Ask, _envelope: Envelope) -> Told:
        raise ZeroDivisionError("the secret is swordfish")

    await buses.server.serve(subject, fail)
    with pytest.raises(HeddleError) as caught:
        await buses.client.request(subject, Ask(), envelope=Envelope(), timeout=5)
    assert caught.value.code == "internal_error"
    assert "swordfish" not in caught.value.message


async def test_a_request_that_does_not_fit_is_refused(buses: Buses) -> None:
    subject = question()

    async def answer(_ask: Ask, _envelope: Envelope) -> Told:
        return Told()

    await buses.server.serve(subject, answer)
    wrong = Ask.model_construct(text="", count="many")
    with pytest.warns(UserWarning, match="serializ"), pytest.raises(InvalidInput) as caught:
        await buses.client.request(subject, wrong, envelope=Envelope(), timeout=5)
    assert [detail.pointer for detail in caught.value.details] == ["/count"]


async def test_nobody_serves(buses: Buses) -> None:
    with pytest.raises(Unavailable):
        await buses.client.request(question(), Ask(), envelope=Envelope(), timeout=5)


async def test_no_answer_in_time(buses: Buses) -> None:
    subject = question()
    done = asyncio.Event()

    async def answer(_ask: Ask, _envelope: Envelope) -> Told:
        await done.wait()
        return Told()

    await buses.server.serve(subject, answer)
    with pytest.raises(UpstreamTimeout):
        await buses.client.request(subject, Ask(), envelope=Envelope(), timeout=0.05)
    done.set()


async def test_over_the_limit_is_busy(buses: Buses) -> None:
    subject = question()
    begun, done = asyncio.Event(), asyncio.Event()

    async def answer(_ask: Ask, _envelope: Envelope) -> Told:
        begun.set()
        await done.wait()
        return Told(text="first")

    await buses.server.serve(subject, answer, limit=1)
    first = asyncio.create_task(
        buses.client.request(subject, Ask(), envelope=Envelope(), timeout=5)
    )
    await begun.wait()
    with pytest.raises(Busy):
        await buses.client.request(subject, Ask(), envelope=Envelope(), timeout=5)
    done.set()
    assert (await first).text == "first"


async def test_one_tenant_cannot_keep_the_others_out(buses: Buses) -> None:
    subject, greedy = question(), uuid4()
    begun, done = asyncio.Queue[None](), asyncio.Event()

    async def answer(_ask: Ask, _envelope: Envelope) -> Told:
        begun.put_nowait(None)
        await done.wait()
        return Told(text="told")

    def ask(tenant: UUID | None) -> asyncio.Task[Told]:
        envelope = Envelope(tenant_id=tenant)
        return asyncio.create_task(
            buses.client.request(subject, Ask(), envelope=envelope, timeout=5)
        )

    await buses.server.serve(subject, answer, limit=4)
    asked = [ask(greedy) for _ in range(3)]
    for _ in asked:
        await begun.get()
    with pytest.raises(Busy) as busy:
        await ask(greedy)
    assert busy.value.retry_after == 1.0
    asked.append(ask(uuid4()))
    await begun.get()
    done.set()
    assert {(await each).text for each in asked} == {"told"}
    assert (await ask(greedy)).text == "told"


async def test_many_at_once_each_get_their_own(buses: Buses) -> None:
    subject = question()

    async def answer(ask: Ask, _envelope: Envelope) -> Told:
        return Told(text=str(ask.count))

    await buses.server.serve(subject, answer)
    answers = await asyncio.gather(
        *(
            buses.client.request(subject, Ask(count=n), envelope=Envelope(), timeout=10)
            for n in range(300)
        )
    )
    assert [told.text for told in answers] == [str(n) for n in range(300)]
