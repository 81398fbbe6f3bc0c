"""The second wall: what the services' own database roles can see and do."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from tests.security.rows import Connection, connected, first_tenant
from tests.security.stage import Stage
from tests.support.databases import run_outside

pytestmark = pytest.mark.xdist_group("security")

_TABLES = """
select c.oid::regclass::text as name, c.relrowsecurity and c.relforcerowsecurity as walled
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
 where n.nspname in ('backend', 'engine', 'inference', 'plugin') and c.relkind in ('r', 'p')
 order by 1"""
_SWEPT = """
select table_schema || '.' || table_name || '.' || column_name as name
  from information_schema.column_privileges where grantee = 'heddle_sweeper'
   and table_schema in ('backend', 'engine', 'inference', 'plugin')"""
_NEVER_SWEPT = (
    "bytes",
    "payload",
    "body",
    "request",
    "inputs",
    "outputs",
    "sealed",
    "value",
    "text",
)


def with_connection(
    stage: Stage, role: str, work: Callable[[Connection], Awaitable[Any]], *, tenant: bool = False
) -> Any:
    """What `work` answers on a connection of heddle_app (role "") or heddle_sweeper."""
    url = stage.platform.environment[f"HEDDLE_DATABASE{role}_URL"]

    async def worked() -> Any:
        connection = await connected(url, *([await first_tenant(stage.platform)] if tenant else []))
        try:
            return await work(connection)
        finally:
            await connection.close()

    return run_outside(worked())


def test_without_a_tenant_no_row_is_seen(stage: Stage) -> None:
    async def counted(connection: Connection) -> dict[str, int]:
        tables = await connection.fetch(_TABLES)
        assert len(tables) > 20
        assert [table["name"] for table in tables if not table["walled"]] == []
        counts: dict[str, int] = {}
        for table in tables:
            try:
                counts[table["name"]] = await connection.fetchval(
                    f"select count(*) from {table['name']}"
                )
            except asyncpg.InsufficientPrivilegeError:
                continue  # a partition: reached through its parent only
        return counts

    assert set(with_connection(stage, "", counted).values()) == {0}


@pytest.mark.parametrize(
    "statement",
    [
        "update engine.journal set bytes = ''",
        "delete from engine.journal",
        "truncate engine.journal",
        "delete from engine.runs",
        "alter table engine.journal disable row level security",
        "set role heddle_owner",
        "set session authorization heddle_owner",
        "copy engine.journal to program 'id'",
        "create table public.mine (id int)",
    ],
)
def test_the_app_role_writes_no_history(stage: Stage, statement: str) -> None:
    async def tried(connection: Connection) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)

    with_connection(stage, "", tried, tenant=True)


def test_no_row_is_given_to_another_tenant(stage: Stage) -> None:
    async def tried(connection: Connection) -> None:
        for statement in (
            "update backend.apps set tenant_id = $1",
            "update backend.credentials set tenant_id = $1",
            "insert into backend.tenants (tenant_id, name) values ($1, 'x')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                await connection.execute(statement, stage.second.tenant_id)

    with_connection(stage, "", tried, tenant=True)


def test_the_sweeper_sees_ids_and_times_only(stage: Stage) -> None:
    async def looked(connection: Connection) -> list[str]:
        for statement in ("update engine.runs set status = 'queued'", "delete from backend.runs"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        return [row["name"] for row in await connection.fetch(_SWEPT)]

    columns = with_connection(stage, "_SWEEPER", looked)
    assert "engine.runs.run_id" in columns
    assert [name for name in columns if name.rpartition(".")[2] in _NEVER_SWEPT] == []
