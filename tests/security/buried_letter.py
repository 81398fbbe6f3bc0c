"""A durable message of the first tenant that its consumer gave up."""

from uuid import UUID

import httpx
from pydantic import BaseModel

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import DurableSubject
from libs.common.identifiers import uuid7
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from tests.support.databases import run_outside
from tests.support.eventually import eventually
from tests.support.platform import Platform


class _Said(BaseModel):
    text: str


SUBJECT = DurableSubject("suite.buried", "SUITE_BURIED", _Said, True)
LETTERS = "/api/operations/dead-letters"


def bury(platform: Platform, http: httpx.Client, tenant_id: UUID, text: str) -> int:
    """The id of the letter, once the tenant's operator sees it."""
    run_outside(_given_up(platform, tenant_id, text))
    headers = {"Authorization": f"Bearer {platform.admin_token}"}
    ids: list[int] = []

    def seen() -> bool:
        letters = http.get(LETTERS, headers=headers).json()["dead_letters"]
        ids.extend(letter["id"] for letter in letters)
        return bool(ids)

    eventually(seen, what="the letter")
    return ids[0]


async def _given_up(platform: Platform, tenant_id: UUID, text: str) -> None:
    async with Lifespan() as lifespan:
        bus = NatsBus(
            platform.environment["HEDDLE_NATS_URL"],
            name="suite",
            object_store=open_object_store(platform.environment["HEDDLE_OBJECT_STORE_URL"]),
            instance=str(uuid7()),
            clock=SystemClock(),
        )
        await lifespan.started("suite", bus)

        async def refuse(said: _Said, envelope: Envelope) -> None:
            raise RuntimeError("not taken")

        await bus.consume(SUBJECT, refuse, durable="suite", concurrency=1, max_deliveries=1)
        await bus.enqueue(
            SUBJECT, _Said(text=text), envelope=Envelope(tenant_id=tenant_id), message_id=text
        )
        found = False
        while not found:
            found = bool((await bus.dead_letters.page(tenant_id)).letters)
