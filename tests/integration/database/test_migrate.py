"""Migrations: from nothing, again, side by side, by a privileged account, and refused."""

import asyncio
import os
import subprocess
import sys

import asyncpg
import pytest

from libs.common.database.migrate import MigrationFailed, migrate_database
from libs.common.database.migration_trees import find_trees
from tests.support.databases import FreshDatabase

_SERVICES = ["inference", "plugin"]


async def test_a_second_migration_finds_nothing_to_do(empty_database: FreshDatabase) -> None:
    assert await migrate_database(empty_database.owner_url, _SERVICES) == _SERVICES
    assert await migrate_database(empty_database.owner_url, _SERVICES) == []


async def test_migrations_started_together_run_once(empty_database: FreshDatabase) -> None:
    changed = await asyncio.gather(
        *(migrate_database(empty_database.owner_url, ["plugin"]) for _ in range(3))
    )
    assert sorted(changed) == [[], [], ["plugin"]]


async def test_a_privileged_account_migrates_as_the_owner(empty_database: FreshDatabase) -> None:
    await migrate_database(empty_database.admin_url, ["plugin"], role_urls=[empty_database.url])
    connection = await asyncpg.connect(empty_database.url)
    try:
        owner = await connection.fetchval(
            "select tableowner from pg_tables where schemaname = 'plugin' "
            "and tablename = 'call_claims'"
        )
        assert owner == "heddle_owner"
        assert await connection.fetchval("select count(*) from plugin.call_claims") == 0
    finally:
        await connection.close()


async def test_the_serving_account_may_not_migrate(empty_database: FreshDatabase) -> None:
    with pytest.raises(MigrationFailed, match="may not act as heddle_owner"):
        await migrate_database(empty_database.url, _SERVICES)


async def test_a_server_that_is_away_is_named_in_one_line() -> None:
    with pytest.raises(MigrationFailed, match=r"127\.0\.0\.1:1/heddle") as raised:
        await migrate_database("postgresql://heddle_owner:secret@127.0.0.1:1/heddle", _SERVICES)
    assert "\n" not in raised.value.message
    assert "secret" not in raised.value.message


def test_a_service_without_migrations_is_refused() -> None:
    with pytest.raises(ValueError, match="no migrations found for: nowhere"):
        find_trees(["nowhere"])


async def test_every_table_with_a_tenant_forces_row_security(
    migrated_database: FreshDatabase,
) -> None:
    connection = await asyncpg.connect(migrated_database.admin_url)
    try:
        open_tables = await connection.fetch(
            "select n.nspname, c.relname from pg_class c "
            "join pg_namespace n on n.oid = c.relnamespace "
            "join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' "
            "where c.relkind in ('r', 'p') and n.nspname = any($1) "
            "and not (c.relrowsecurity and c.relforcerowsecurity)",
            [tree.schema for tree in find_trees()],
        )
        assert [tuple(row) for row in open_tables] == []
    finally:
        await connection.close()


def test_the_command_loads_little_when_nothing_is_to_do(migrated_database: FreshDatabase) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "libs.common.database.migrate"],
        env=os.environ | migrated_database.environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, "nothing to migrate\n"), done.stderr
    # It is asked at every start, and Alembic with SQLAlchemy would take most of a second.
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert "asyncpg" in loaded
    assert not loaded & {"alembic", "sqlalchemy"}
