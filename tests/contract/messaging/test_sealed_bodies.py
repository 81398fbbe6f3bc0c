"""Bodies of sealed runs: closed on the wire and in the object store, open at both ends."""

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from uuid import UUID

import pytest
from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.errors import HeddleError, NotFound, PlatformFault
from libs.common.messaging.nats_bus import NatsBus
from libs.common.run_seal import RunSeal
from tests.contract.messaging.conftest import ObjectsInMemory
from tests.contract.messaging.messages import Ask, Told, counting, question

SEALED = Envelope(tenant_id=UUID(int=1), sealed_run=UUID(int=2))
SEAL = RunSeal(SecretStr(base64.b64encode(bytes(32)).decode()))
LARGE = "told nobody " * 30_000


class Sealing:
    """`client` and `server` share the seal, `keyless` has none."""

    def __init__(self, url: str, objects: ObjectsInMemory) -> None:
        self.objects = objects
        self.client, self.server, self.keyless = (
            NatsBus(
                url,
                name=name,
                object_store=objects,
                instance=f"{name}-1",
                clock=SystemClock(),
                sealing=seal,
            )
            for name, seal in (("caller", SEAL), ("server", SEAL), ("keyless", None))
        )


@pytest.fixture
async def sealing(nats_url: str, objects: ObjectsInMemory) -> AsyncGenerator[Sealing]:
    made = Sealing(nats_url, objects)
    buses = (made.client, made.server, made.keyless)
    for bus in buses:
        await bus.start()
    yield made
    for bus in buses:
        await bus.close()


async def test_a_request_and_its_answer(sealing: Sealing) -> None:
    subject = question()
    heard: list[Envelope] = []

    async def answer(ask: Ask, envelope: Envelope) -> Told:
        heard.append(envelope)
        return Told(text=ask.text)

    await sealing.server.serve(subject, answer)
    for text in ("small", LARGE):
        told = await sealing.client.request(subject, Ask(text=text), envelope=SEALED, timeout=20)
        assert told.text == text
    assert heard[0].sealed_run == SEALED.sealed_run
    assert len(sealing.objects.bodies) == 2, "one each way"
    assert not any(b"told nobody" in body for body in sealing.objects.bodies.values())


async def test_a_stream_and_its_error(sealing: Sealing) -> None:
    subject = counting()

    async def answer(ask: Ask, _envelope: Envelope) -> AsyncIterator[Told]:
        yield Told(text=ask.text)
        raise NotFound("gone with the secret")

    await sealing.server.serve_stream(subject, answer)
    parts = sealing.client.stream(
        subject, Ask(text=LARGE), envelope=SEALED, timeout=20, idle_timeout=10
    )
    assert (await anext(parts)).text == LARGE
    with pytest.raises(NotFound, match="gone with the secret"):
        await anext(parts)
    assert not any(b"told nobody" in body for body in sealing.objects.bodies.values())


async def test_without_a_key_nothing_is_sent_or_read(sealing: Sealing) -> None:
    subject = question()

    async def answer(ask: Ask, _envelope: Envelope) -> Told:
        raise AssertionError("it cannot be read")

    await sealing.keyless.serve(subject, answer)
    with pytest.raises(PlatformFault):
        await sealing.keyless.request(subject, Ask(text="a"), envelope=SEALED, timeout=5)
    with pytest.raises(HeddleError, match="no master key"):
        await sealing.client.request(subject, Ask(text="a"), envelope=SEALED, timeout=5)
