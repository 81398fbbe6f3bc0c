"""What stands in the first tenant's tables, seen past the API."""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

import asyncpg

from tests.security.stage import Stage
from tests.support.databases import run_outside
from tests.support.platform import Platform

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class TenantRows:
    """A digest of each table's rows by its name."""

    digests: tuple[tuple[str, str], ...]
    first_key_id: UUID


def rows_of_first_tenant(stage: Stage) -> TenantRows:
    return run_outside(_rows(stage))


async def connected(url: str, *tenants: UUID) -> Connection:
    """A connection that sees `tenants`, none of them when there are none."""
    connection: Connection = await asyncpg.connect(url)
    named = ",".join(str(tenant) for tenant in tenants)
    await connection.execute("select set_config('heddle.tenants', $1, false)", named)
    return connection


async def first_tenant(platform: Platform) -> UUID:
    sweeper = await connected(platform.environment["HEDDLE_DATABASE_SWEEPER_URL"])
    tenant: UUID = await sweeper.fetchval(
        "select tenant_id from backend.tenants order by tenant_id limit 1"
    )
    await sweeper.close()
    return tenant


async def _rows(stage: Stage) -> TenantRows:
    connection = await connected(
        stage.platform.environment["HEDDLE_DATABASE_URL"], await first_tenant(stage.platform)
    )
    tables = await connection.fetch(
        "select table_schema || '.' || table_name as name from information_schema.columns "
        "where column_name = 'tenant_id' and table_schema in ('backend', 'engine') "
        "and table_name not like '%outbox' and table_name not like 'journal_2%' order by 1"
    )
    digests: list[tuple[str, str]] = []
    for table in tables:
        # When the tenant's own keys were last used is written down some seconds behind.
        rows = await connection.fetch(
            f"select (to_jsonb(t) - 'last_used_at')::text as row from {table['name']} t order by 1"
        )
        digest = hashlib.sha256(repr([row["row"] for row in rows]).encode()).hexdigest()
        digests.append((table["name"], f"{len(rows)} {digest}"))
    key_id: UUID = await connection.fetchval(
        "select key_id from backend.api_keys where revoked_at is null order by key_id limit 1"
    )
    await connection.close()
    return TenantRows(tuple(digests), key_id)
