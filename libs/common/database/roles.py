"""The three roles, made where the connecting account may make them."""

from urllib.parse import unquote, urlsplit

from libs.common.database.asyncpg_pool import Connection

OWNER, APP, SWEEPER = "heddle_owner", "heddle_app", "heddle_sweeper"


async def may_make_roles(connection: Connection) -> bool:
    """Whether the connected account is a superuser or has CREATEROLE."""
    return bool(
        await connection.fetchval(
            "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
        )
    )


async def ensure_roles(connection: Connection, urls: list[str]) -> None:
    """Create the missing roles, with the passwords that `urls` carry for them.

    A role that exists keeps its password. One that no URL names may not sign in. The connected
    account becomes a member of heddle_owner, which may create schemas in the current database.
    """
    passwords = _passwords(urls)
    for role in (OWNER, APP, SWEEPER):
        if await connection.fetchval("select 1 from pg_roles where rolname = $1", role):
            continue
        login = f"login password {_literal(passwords[role])}" if role in passwords else "nologin"
        await connection.execute(
            f"create role {role} nosuperuser nocreatedb nocreaterole nobypassrls {login}"
        )
    await connection.execute(f"grant {OWNER} to current_user")
    database: str = await connection.fetchval("select quote_ident(current_database())")
    await connection.execute(f"grant create, connect on database {database} to {OWNER}")
    await connection.execute(f"grant connect on database {database} to {APP}, {SWEEPER}")


def _passwords(urls: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for url in urls:
        parts = urlsplit(url)
        if parts.username and parts.password:
            found[unquote(parts.username)] = unquote(parts.password)
    return found


def _literal(text: str) -> str:
    # Utility statements take no parameters.
    if "\\" in text or "\0" in text:
        raise ValueError("a role's password may hold neither a backslash nor a NUL")
    return "'" + text.replace("'", "''") + "'"
