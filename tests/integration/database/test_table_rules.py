"""Rules that every table and every connection of the services keeps."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from libs.common.database.asyncpg_pool import Connection, create_pool
from tests.support.databases import FreshDatabase

_UNIQUE_WITHOUT_TENANT = """
SELECT i.indexrelid::regclass::text FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE n.nspname = ANY ($1) AND i.indisunique AND NOT a.attnum = ANY (i.indkey)
ORDER BY 1"""
_WALLS = """
SELECT schemaname || '.' || tablename AS name FROM pg_policies WHERE policyname = 'tenant_wall'"""


@pytest.fixture
async def admin(migrated_database: FreshDatabase) -> AsyncIterator[Connection]:
    connection: Connection = await asyncpg.connect(migrated_database.admin_url)
    yield connection
    await connection.close()


async def test_nobody_waits_for_a_lock_or_holds_a_transaction_open_for_long(
    migrated_database: FreshDatabase,
) -> None:
    async with await create_pool(migrated_database.url) as pool:
        assert await pool.fetchval("SHOW lock_timeout") == "5s"
        assert await pool.fetchval("SHOW idle_in_transaction_session_timeout") == "15s"


async def test_the_wall_of_tenants_is_built_once_a_statement(
    admin: Connection, migrated_database: FreshDatabase
) -> None:
    async with await create_pool(migrated_database.url) as pool:
        for wall in await admin.fetch(_WALLS):
            plan = await pool.fetch(f"EXPLAIN SELECT tenant_id FROM {wall['name']}")
            assert any("InitPlan" in row[0] for row in plan), wall["name"]


async def test_keys_of_runs_and_calls_carry_the_tenant(admin: Connection) -> None:
    """Rows of an outbox are messages: whoever relays them asks for them by id."""
    schemas = ["engine", "inference", "plugin"]
    found = {row[0] for row in await admin.fetch(_UNIQUE_WITHOUT_TENANT, schemas)}
    assert {name for name in found if not name.endswith(".outbox_pkey")} == set()
