"""Credentials while the backend comes and goes."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.contracts.credentials import CredentialChanged, CredentialQuery, SealedCredential
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CREDENTIAL, CREDENTIAL_CHANGED
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.sealed_box import SealedBox
from services.inference.infra.credentials.backend_credentials import BackendCredentials
from tests.support.manual_clock import ManualClock

TENANT = uuid4()


async def test_a_call_waits_for_a_backend_that_is_away() -> None:
    box, clock = SealedBox(SecretStr(b64encode(bytes(32)).decode())), SystemClock()
    sealed = box.seal(b'{"api_key": "k"}', tenant_id=TENANT, purpose="provider:openai")
    bus = InMemoryBus(clock=clock)
    asking = asyncio.create_task(BackendCredentials(bus, box, clock).open(TENANT, "openai"))
    await asyncio.wait((asking,), timeout=0.05)
    assert not asking.done()

    async def answer(query: CredentialQuery, _envelope: Envelope) -> SealedCredential:
        assert query.provider == "openai"
        return SealedCredential(found=True, sealed=sealed, base_url=None)

    await bus.serve(CREDENTIAL, answer)
    opened = await asyncio.wait_for(asking, 10.0)
    assert opened is not None
    assert opened.values == {"api_key": "k"}
    await bus.close()


@dataclass(slots=True, kw_only=True)
class World:
    """A backend whose credential has the base URL `stored`, None for none; `asked` counts."""

    bus: InMemoryBus
    clock: ManualClock
    credentials: BackendCredentials
    stored: str | None = None
    asked: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, query: CredentialQuery, _envelope: Envelope) -> SealedCredential:
        self.asked += 1
        base_url = self.stored
        await self.open.wait()
        if base_url is None:
            return SealedCredential(found=False)
        box = SealedBox(_KEY)
        sealed = box.seal(b"{}", tenant_id=query.tenant_id, purpose=f"provider:{query.provider}")
        return SealedCredential(found=True, sealed=sealed, base_url=base_url)

    async def told(self) -> str | None:
        found = await self.credentials.open(TENANT, "openai")
        return None if found is None else found.base_url

    async def change(self, base_url: str | None) -> None:
        self.stored = base_url
        changed = CredentialChanged(tenant_id=TENANT, provider="openai")
        await self.bus.broadcast(CREDENTIAL_CHANGED, changed, envelope=Envelope(tenant_id=TENANT))
        await self.clock.advance(0)


_KEY = SecretStr(b64encode(bytes(32)).decode())


@pytest.fixture
async def world() -> AsyncGenerator[World]:
    clock = ManualClock()
    bus = InMemoryBus(clock=clock)
    credentials = BackendCredentials(bus, SealedBox(_KEY), clock)
    hearing = asyncio.create_task(credentials.hear_changes())
    found = World(bus=bus, clock=clock, credentials=credentials)
    found.open.set()
    await bus.serve(CREDENTIAL, found.answer)
    await clock.advance(0)
    yield found
    hearing.cancel()
    with suppress(asyncio.CancelledError):
        await hearing
    await bus.close()


async def test_a_changed_credential_is_in_force_at_once(world: World) -> None:
    assert await world.told() is None
    for stored in ("http://first", "http://second", None):
        await world.change(stored)
        assert await world.told() == stored
    await world.told()
    assert world.asked == 4


async def test_an_unheard_change_is_in_force_after_a_second(world: World) -> None:
    await world.told()
    world.stored = "http://first"
    await world.clock.advance(0.9)
    assert await world.told() is None
    await world.clock.advance(0.2)
    assert await world.told() == "http://first"


async def test_what_was_read_before_a_change_is_not_kept(world: World) -> None:
    world.open.clear()
    early = asyncio.create_task(world.told())
    await world.clock.advance(0)
    await world.change("http://first")
    world.open.set()
    assert await early is None
    assert await world.told() == "http://first"
