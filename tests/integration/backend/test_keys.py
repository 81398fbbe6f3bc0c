"""Keys on the native API: listed without being told, and revoked everywhere within a second."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libs.common.clock import SystemClock
from libs.common.database.asyncpg_pool import Pool
from libs.common.errors import Unauthenticated
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.filesystem_store import FilesystemStore
from libs.common.state_store.postgres_tier import PostgresTier
from libs.common.state_store.tiered_store import TieredStore
from services.backend.app.identity.app_keys import AppKeys
from services.backend.app.identity.authenticate import Authenticate
from services.backend.app.identity.key_index import KeyIndex
from services.backend.app.identity.key_uses import KeyUses
from services.backend.domain.identity.keys import key_hash
from services.backend.infra.credential_sealer import MasterKeySealer
from services.backend.infra.postgres.api_key_repository import PostgresApiKeyRepository
from tests.integration.backend.conftest import MASTER_KEY, House, bearer
from tests.integration.backend.documents import app


async def test_keys_are_listed_and_never_told(house: House) -> None:
    imported = await house.imported(app())
    key = imported["api_key"]
    path = f"/api/apps/{imported['app_id']}/keys"
    made = (await house.http.post(path, headers=house.admin())).json()
    answer = await house.http.get(path, headers=bearer(house.keys.workspace_api_key))
    listed = {each["last4"]: each for each in answer.json()["keys"]}
    assert set(listed) == {key[-4:], made["api_key"][-4:]}
    assert listed[made["api_key"][-4:]]["key_id"] == made["key_id"]
    assert {each["kind"] for each in listed.values()} == {"app"}
    every = await house.http.get("/api/keys", headers=house.admin())
    assert sorted(each["kind"] for each in every.json()["keys"]) == ["adm", "app", "app", "ws"]
    for secret in (key, made["api_key"], house.keys.admin_token):
        assert secret not in every.text
    await house.http.delete(f"/api/keys/{made['key_id']}", headers=house.admin())
    left = await house.http.get(path, headers=house.admin())
    assert [each["last4"] for each in left.json()["keys"]] == [key[-4:]]


async def test_keys_come_in_pages(house: House) -> None:
    app_id = (await house.imported(app()))["app_id"]
    for _ in range(2):
        await house.http.post(f"/api/apps/{app_id}/keys", headers=house.admin())
    seen: list[str] = []
    more = True
    while more:
        query = {"limit": 2} | ({"after": seen[-1]} if seen else {})
        page = await house.http.get("/api/keys", params=query, headers=house.admin())
        seen += [each["key_id"] for each in page.json()["keys"]]
        more = page.json()["has_more"]
    assert len(seen) == len(set(seen)) == 5


async def test_only_an_admin_sees_all_keys(house: House) -> None:
    workspace = bearer(house.keys.workspace_api_key)
    assert (await house.http.get("/api/keys", headers=workspace)).status_code == 401
    unknown = f"/api/apps/{house.tenant_id}/keys"
    assert (await house.http.get(unknown, headers=workspace)).status_code == 404


async def test_the_last_use_is_told(house: House) -> None:
    imported = await house.imported(app())
    path = f"/api/apps/{imported['app_id']}/keys"
    before = (await house.http.get(path, headers=house.admin())).json()["keys"][0]
    assert before["last_used_at"] is None
    await house.http.get("/v1/info", headers=bearer(imported["api_key"]))
    await house.cases.key_uses.write()
    after = (await house.http.get(path, headers=house.admin())).json()["keys"][0]
    assert after["last_used_at"] >= after["created_at"]


async def test_a_revocation_that_broke_off_is_ended_by_the_next(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    opened = await house.index.find(key_hash(key))
    assert opened is not None
    # The row is closed; the process dies before it tells the index.
    await PostgresApiKeyRepository(house.pool).revoke(house.tenant_id, opened.key_id)
    for _ in range(2):
        gone = await house.http.delete(f"/api/keys/{opened.key_id}", headers=house.admin())
        assert gone.status_code == 204
        assert (await house.http.get("/v1/info", headers=bearer(key))).status_code == 401


@asynccontextmanager
async def _replica(url: str, pool: Pool, folder: Path, name: str) -> AsyncGenerator[KeyIndex]:
    """What another process of the backend knows of keys."""
    bus = NatsBus(
        url,
        name="backend",
        object_store=FilesystemStore(folder),
        instance=name,
        clock=SystemClock(),
    )
    await bus.start()
    store = TieredStore(PostgresTier(pool, "backend"), bus=bus, clock=SystemClock())
    bus.on_disconnect(store.bus_lost)
    bus.on_reconnect(store.bus_back)
    try:
        async with store.running():
            yield KeyIndex(store)
    finally:
        await bus.close()


async def _refused(authenticate: Authenticate, key: str) -> None:
    while True:
        try:
            await authenticate(f"Bearer {key}", ("app",))
        except Unauthenticated:
            return
        await asyncio.sleep(0)


async def test_a_revoked_key_is_refused_everywhere_within_a_second(
    house: House, nats_url: str, tmp_path: Path
) -> None:
    imported = await house.imported(app())
    keys = PostgresApiKeyRepository(house.pool)
    async with (
        _replica(nats_url, house.pool, tmp_path, "one") as here,
        _replica(nats_url, house.pool, tmp_path, "two") as there,
    ):
        ours = AppKeys(keys, here, MasterKeySealer(MASTER_KEY))
        elsewhere = Authenticate(there, KeyUses(keys, SystemClock()))
        for _ in range(3):
            made = await ours.create(house.tenant_id, imported["app_id"], None)
            # It is warm in the other's memory, where it would stay for five minutes.
            await elsewhere(f"Bearer {made.key}", ("app",))
            began = time.monotonic()
            await ours.revoke(house.tenant_id, made.key_id)
            async with asyncio.timeout(10):
                await _refused(elsewhere, made.key)
            assert time.monotonic() - began < 1.0
            with pytest.raises(Unauthenticated):
                await elsewhere(f"Bearer {made.key}", ("app",))
