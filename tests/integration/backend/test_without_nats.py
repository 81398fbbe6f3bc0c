"""The backend as it is wired: what its memory holds is not trusted while NATS is away."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from libs.common.clock import SystemClock
from libs.common.database.asyncpg_pool import create_pool
from libs.common.lifespan import Lifespan
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.state_store.postgres_tier import PostgresTier
from libs.common.state_store.tiered_store import TieredStore
from services.backend.app.identity.app_keys import AppKeys
from services.backend.app.identity.key_index import KeyIndex
from services.backend.bootstrap import build
from services.backend.domain.identity.keys import Principal, key_hash
from services.backend.infra.credential_sealer import MasterKeySealer
from services.backend.infra.postgres.api_key_repository import PostgresApiKeyRepository
from services.backend.settings import BackendSettings
from tests.integration.backend.conftest import MASTER_KEY, bearer
from tests.support.databases import FreshDatabase
from tests.support.own_nats import OwnNats

_HITS = re.compile(r'heddle_state_lookups_total\{[^}]*outcome="hit"[^}]*tier="memory"\} ([0-9.]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """A backend behind `http`, and its first keys."""

    http: httpx.AsyncClient
    admin: dict[str, str]
    workspace_key: str

    async def ready(self, status: int) -> None:
        """Return as soon as /readyz says `status`."""
        async with asyncio.timeout(20):
            said = 0
            while said != status:
                said = (await self.http.get("/readyz")).status_code

    async def memory_hits(self) -> float:
        told = (await self.http.get("/metrics")).text
        return sum(float(hits) for hits in _HITS.findall(told))


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[OwnNats]:
    nats = OwnNats(tmp_path)
    yield nats
    nats.stop()


@pytest.fixture
async def wired(
    own_nats: OwnNats, migrated_database: FreshDatabase, object_store_url: str, tmp_path: Path
) -> AsyncGenerator[Wired]:
    settings = BackendSettings(
        database_url=migrated_database.url,
        database_sweeper_url=migrated_database.sweeper_url,
        nats_url=own_nats.server.url,
        object_store_url=object_store_url,
        master_key=MASTER_KEY,
        state_dir=tmp_path,
    )
    async with Lifespan() as lifespan:
        transport = httpx.ASGITransport(app=(await build(settings, lifespan)).app)
        async with httpx.AsyncClient(transport=transport, base_url="http://backend") as http:
            keys = json.loads((tmp_path / "credentials.json").read_text())
            yield Wired(
                http=http,
                admin=bearer(keys["admin_token"]),
                workspace_key=keys["workspace_api_key"],
            )


@asynccontextmanager
async def _elsewhere(url: str) -> AsyncGenerator[tuple[AppKeys, KeyIndex]]:
    """Another process of the backend, which this one cannot hear."""
    bus = InMemoryBus(clock=SystemClock())
    async with await create_pool(url) as pool:
        store = TieredStore(PostgresTier(pool, "backend"), bus=bus, clock=SystemClock())
        async with store.running():
            index = KeyIndex(store)
            yield AppKeys(PostgresApiKeyRepository(pool), index, MasterKeySealer(MASTER_KEY)), index
    await bus.close()


async def test_a_key_revoked_while_nats_is_away_is_refused(
    wired: Wired, own_nats: OwnNats, migrated_database: FreshDatabase
) -> None:
    workspace = bearer(wired.workspace_key)
    for _ in range(2):
        assert (await wired.http.get("/api/apps", headers=workspace)).status_code == 200
    assert await wired.memory_hits() > 0
    own_nats.stop()
    await wired.ready(503)
    async with _elsewhere(migrated_database.url) as (keys, index):
        who = await index.find(key_hash(wired.workspace_key))
        assert isinstance(who, Principal)
        await keys.revoke(who.tenant_id, who.key_id)
    assert (await wired.http.get("/api/apps", headers=workspace)).status_code == 401
    own_nats.start()
    await wired.ready(200)
    assert (await wired.http.get("/api/apps", headers=workspace)).status_code == 401


async def test_memory_is_used_again_when_nats_is_back(wired: Wired, own_nats: OwnNats) -> None:
    async def asked() -> float:
        assert (await wired.http.get("/api/apps", headers=wired.admin)).status_code == 200
        return await wired.memory_hits()

    await asked()
    own_nats.stop()
    await wired.ready(503)
    away = await asked()
    assert await asked() == away
    own_nats.start()
    await wired.ready(200)
    async with asyncio.timeout(20):
        hits = away
        while hits == away:
            hits = await asked()
