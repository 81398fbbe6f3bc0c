"""Bring every service's schema to its newest version: `python -m libs.common.database.migrate`.

Reads HEDDLE_DATABASE_OWNER_URL (HEDDLE_DATABASE_URL where that is unset). Quick when nothing is to
do; safe to run from several places at once. A privileged account also creates missing roles, with
the passwords that HEDDLE_DATABASE_URL and HEDDLE_DATABASE_SWEEPER_URL carry.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import asyncpg

from libs.common.database.asyncpg_pool import Connection
from libs.common.database.migration_trees import MigrationTree, find_trees
from libs.common.database.roles import APP, OWNER, SWEEPER, ensure_roles, may_make_roles
from libs.common.errors import PlatformFault

_LOCK = 0x6865_6464_6C65  # "heddle"
_CONNECT_SECONDS = 10.0
_LOCK_WAIT_SECONDS = 120


class MigrationFailed(PlatformFault):
    """The schema is as it was before the service that failed; those before it are done."""

    code = "migration_failed"
    title = "The database could not be migrated"
    retryable = False


async def migrate_database(
    owner_url: str, services: list[str] | None = None, *, role_urls: Sequence[str] = ()
) -> list[str]:
    """Migrate the schemas of `services` (all when None); returns those that changed.

    `role_urls` are URLs whose accounts are created when missing and `owner_url` is privileged.
    Waits up to two minutes for another migration to end. Raises MigrationFailed.
    """
    try:
        trees = find_trees(services)
        connection = await asyncpg.connect(owner_url, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        raise MigrationFailed(f"{_place(owner_url)}: {_one_line(error)}") from error
    try:
        await connection.execute(f"set lock_timeout = '{_LOCK_WAIT_SECONDS}s'")
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await _become_owner(connection, [owner_url, *role_urls])
        behind = [tree for tree in trees if await _version(connection, tree) != tree.newest]
        for tree in behind:
            await _migrate(connection, owner_url, tree)
        return [tree.schema for tree in behind]
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise MigrationFailed(f"{_place(owner_url)}: {_one_line(error)}") from error
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)


async def _become_owner(connection: Connection, urls: list[str]) -> None:
    if await may_make_roles(connection):
        await ensure_roles(connection, urls)
    try:
        await connection.execute(f"set role {OWNER}")
    except asyncpg.PostgresError as error:
        raise MigrationFailed(
            f"This account may not act as {OWNER}. Sign in as {OWNER}, or as an account that may "
            "create roles, through HEDDLE_DATABASE_OWNER_URL."
        ) from error


async def _version(connection: Connection, tree: MigrationTree) -> str | None:
    table = f"{tree.schema}.schema_version"
    if await connection.fetchval("select to_regclass($1)", table) is None:
        return None
    return await connection.fetchval(f"select max(version_num) from {table}")  # noqa: S608 - a folder's name


async def _migrate(connection: Connection, owner_url: str, tree: MigrationTree) -> None:
    await connection.execute(f"create schema if not exists {tree.schema}")
    await connection.execute(f"grant usage on schema {tree.schema} to {APP}, {SWEEPER}")
    # Loaded only where something is to do: it is most of this program's start-up.
    from libs.common.database.alembic_upgrade import upgrade  # noqa: PLC0415

    try:
        await upgrade(owner_url, tree)
    except MigrationFailed:
        raise
    except Exception as error:
        # Migrations are programs: whatever one raises, the operator needs its name and cause.
        raise MigrationFailed(f"{tree.schema}: {_one_line(error)}") from error


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text.split(" [SQL:")[0] or type(error).__name__


def main() -> int:
    """The command. Returns the exit status; an error is one line on stderr."""
    variables = ("HEDDLE_DATABASE_URL", "HEDDLE_DATABASE_SWEEPER_URL")
    role_urls = [os.environ[name] for name in variables if os.environ.get(name)]
    owner_url = os.environ.get("HEDDLE_DATABASE_OWNER_URL") or next(iter(role_urls), "")
    if not owner_url:
        sys.stderr.write("migrate: set HEDDLE_DATABASE_OWNER_URL to the account that migrates\n")
        return 2
    try:
        changed = asyncio.run(migrate_database(owner_url, role_urls=role_urls))
    except MigrationFailed as error:
        sys.stderr.write(f"migrate: {error.message}\n")
        return 1
    sys.stdout.write(f"migrated: {', '.join(changed)}\n" if changed else "nothing to migrate\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
