"""Credentials while the backend comes and goes."""

import asyncio
from base64 import b64encode
from uuid import uuid4

from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.contracts.credentials import CredentialQuery, SealedCredential
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CREDENTIAL
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.sealed_box import SealedBox
from services.inference.infra.credentials.backend_credentials import BackendCredentials

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
