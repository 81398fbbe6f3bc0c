"""The database, its three roles and the vector extension."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

DATABASE = "heddle"
OWNER, APP, SWEEPER = "heddle_owner", "heddle_app", "heddle_sweeper"
_PLAIN = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePasswords:
    """One password a role, letters and digits only."""

    owner: str
    app: str
    sweeper: str

    def by_role(self) -> dict[str, str]:
        return {OWNER: self.owner, APP: self.app, SWEEPER: self.sweeper}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrls:
    """Where each role signs in. `owner` migrates; services run with `app` and `sweeper`."""

    owner: str
    app: str
    sweeper: str


def role_urls(server_url: str, passwords: RolePasswords, database: str) -> DatabaseUrls:
    """The three URLs of `database` on the server that `server_url` points at."""
    found = {
        role: _with_account(server_url, role, password, database)
        for role, password in passwords.by_role().items()
    }
    return DatabaseUrls(owner=found[OWNER], app=found[APP], sweeper=found[SWEEPER])


async def ensure_roles(server_url: str, passwords: RolePasswords, *, reset_passwords: bool) -> None:
    """Create the roles where missing. Needs CREATEROLE.

    A role that exists keeps its password unless `reset_passwords`.
    """
    connection = await asyncpg.connect(server_url, timeout=10)
    try:
        for role, password in passwords.by_role().items():
            known = await connection.fetchval("select 1 from pg_roles where rolname = $1", role)
            if known and not reset_passwords:
                continue
            verb = "alter" if known else "create"
            # Utility statements take no parameters; both words are checked instead.
            await connection.execute(
                f"{verb} role {_plain(role)} with login password '{_plain(password)}'"
            )
    finally:
        await connection.close()


async def sign_in(url: str) -> None:
    """Connect and leave. Raises what asyncpg raises."""
    await (await asyncpg.connect(url, timeout=10)).close()


async def ensure_database(server_url: str, database: str, template: str | None = None) -> None:
    """Create `database`, owned by heddle_owner, with the vector extension, open to our roles only.

    With `template` it is a copy, extension included.
    """
    connection = await asyncpg.connect(server_url, timeout=10)
    try:
        known = await connection.fetchval("select 1 from pg_database where datname = $1", database)
        if not known:
            source = f" template {_plain(template)} strategy file_copy" if template else ""
            await connection.execute(f"create database {_plain(database)} owner {OWNER}{source}")
        await connection.execute(f"revoke connect on database {_plain(database)} from public")
        await _grant_database(connection, database)
    finally:
        await connection.close()
    if template is None:
        await _ensure_extension(_in_database(server_url, database))


async def open_database(url: str, database: str) -> None:
    """Let our roles work in an existing `database`, which `url` points at."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await _grant_database(connection, database)
    finally:
        await connection.close()
    await _ensure_extension(url)


async def drop_database(server_url: str, database: str) -> None:
    """Remove `database`, ending its connections."""
    connection = await asyncpg.connect(server_url, timeout=10)
    try:
        await connection.execute(f"drop database if exists {_plain(database)} with (force)")
    finally:
        await connection.close()


async def _grant_database(connection: asyncpg.Connection, database: str) -> None:
    name = '"' + database.replace('"', '""') + '"'
    await connection.execute(f"grant connect on database {name} to {OWNER}, {APP}, {SWEEPER}")
    await connection.execute(f"grant create on database {name} to {OWNER}")


async def _ensure_extension(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("create extension if not exists vector")
    finally:
        await connection.close()


def _plain(word: str) -> str:
    if not _PLAIN.fullmatch(word):
        raise ValueError("role names and passwords are letters, digits and underscores only")
    return word


def _with_account(url: str, user: str, password: str, database: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    account = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{account}@{host}", path=f"/{database}"))


def _in_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
