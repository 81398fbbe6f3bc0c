"""A second tenant, made the way the first start makes the first one."""

import asyncio
import secrets
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import SystemClock
from libs.common.database.asyncpg_pool import create_pool
from libs.common.identifiers import uuid7
from libs.common.messaging.in_memory_bus import InMemoryBus
from libs.common.state_store.postgres_tier import PostgresTier
from libs.common.state_store.tiered_store import TieredStore
from services.backend.app.identity.key_index import KeyIndex
from services.backend.domain.identity.keys import KeyKind, Principal, key_from_number, key_hash
from services.backend.infra.postgres.api_key_repository import PostgresApiKeyRepository
from services.backend.infra.postgres.tenant_repository import PostgresTenantRepository
from tests.support.databases import run_outside


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantKeys:
    tenant_id: UUID
    workspace_key: str
    admin_token: str


def add_tenant(database_url: str) -> TenantKeys:
    """Commit a tenant with a workspace key and an admin token."""
    return run_outside(_added(database_url))


async def _added(database_url: str) -> TenantKeys:
    tenant_id, clock = uuid7(), SystemClock()
    minted: dict[KeyKind, str] = {
        kind: key_from_number(kind, secrets.randbits(256)) for kind in ("ws", "adm")
    }
    bus = InMemoryBus(clock=clock)
    async with await create_pool(database_url) as pool:
        await PostgresTenantRepository(pool, pool).add(tenant_id, "Second workspace")
        store = TieredStore(PostgresTier(pool, "backend"), bus=bus, clock=clock)
        async with store.running():
            for kind, key in minted.items():
                principal = Principal(tenant_id=tenant_id, key_id=uuid7(), kind=kind)
                await PostgresApiKeyRepository(pool).add(principal, key_hash(key), key[-4:])
                await KeyIndex(store).open(principal, key_hash(key))
            await asyncio.sleep(0)
    await bus.close()
    return TenantKeys(tenant_id=tenant_id, workspace_key=minted["ws"], admin_token=minted["adm"])
