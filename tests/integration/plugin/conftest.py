"""The whole plugin service in this process, on a real NATS and database."""

import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Effect, EffectClass, Envelope
from libs.common.identifiers import uuid7
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from libs.common.stored_file_links import StoredFileLinks
from services.plugin.bootstrap import build
from services.plugin.settings import PluginSettings
from tests.support.certificates import self_signed
from tests.support.databases import FreshDatabase
from tests.support.scripted_web import ScriptedWeb, scripted_web

SECONDS = 60.0
MASTER_KEY = SecretStr(base64.b64encode(bytes(32)).decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    bus: NatsBus
    web: ScriptedWeb
    tenant_id: UUID
    run_id: UUID
    links: StoredFileLinks

    def envelope(
        self,
        call: str,
        effect_class: EffectClass = "idempotent",
        *,
        epoch: int = 1,
        request_hash: str = "h",
    ) -> Envelope:
        effect = Effect(
            run_id=self.run_id,
            epoch=epoch,
            key=f"{self.tenant_id}/{self.run_id}/n/-/0/{call}",
            request_hash=request_hash,
            effect_class=effect_class,
        )
        return Envelope(tenant_id=self.tenant_id, effect=effect)


@pytest.fixture
async def world(
    migrated_database: FreshDatabase,
    nats_url: str,
    object_store_url: str,
    tmp_path: Path,
) -> AsyncGenerator[World]:
    with scripted_web(self_signed(tmp_path, ("api.example.test",))) as web:
        settings = PluginSettings(
            database_url=migrated_database.url,
            database_sweeper_url=migrated_database.sweeper_url,
            nats_url=nats_url,
            object_store_url=object_store_url,
            master_key=MASTER_KEY,
            public_url="http://backend.test",
            egress_overrides=(f"api.example.test:80={web.http}",),
        )
        async with Lifespan() as lifespan:
            await build(settings, lifespan)
            bus = NatsBus(
                nats_url,
                name="test",
                object_store=open_object_store(object_store_url),
                instance=str(uuid7()),
                clock=SystemClock(),
            )
            await lifespan.started("caller", bus)
            links = StoredFileLinks(
                MASTER_KEY, base_url=None, lasting=timedelta(0), clock=SystemClock()
            )
            yield World(bus=bus, web=web, tenant_id=uuid7(), run_id=uuid7(), links=links)
