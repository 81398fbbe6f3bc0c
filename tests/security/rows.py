"""What stands in the first tenant's tables, seen past the API."""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

import asyncpg

from tests.security.stage import Stage
from tests.support.databases import run_outside
from tests.support.engine_harness import eventually
from tests.support.platform import Platform

_UNDER_WAY = """
SELECT EXISTS (SELECT FROM engine.runs WHERE status IN ('queued', 'running'))
    OR EXISTS (SELECT FROM engine.outbox WHERE sent_at IS NULL)
    OR EXISTS (SELECT FROM backend.outbox WHERE sent_at IS NULL)
    OR EXISTS (
        SELECT FROM backend.runs WHERE finished_at IS NULL AND handed_over_at IS NULL)"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class TenantRows:
    """A digest of each table's rows by its name."""

    digests: tuple[tuple[str, str], ...]
    first_key_id: UUID

    def __repr__(self) -> str:
        # Short enough that a failing comparison shows which table changed.
        return "\n".join(f"{name} {digest[:20]}" for name, digest in self.digests)


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


async def settled(platform: Platform) -> None:
    """Wait until no run of the first tenant is under way, and all that was to be told of them is:
    a run that asks people is parked, and noted as handed over, after its caller has heard of it."""
    url = platform.environment["HEDDLE_DATABASE_URL"]
    connection = await connected(url, await first_tenant(platform))

    async def nothing_under_way() -> bool:
        return not await connection.fetchval(_UNDER_WAY)

    await eventually(nothing_under_way, within=30.0)
    await connection.close()


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
