"""The database that the services sign in to."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import asyncpg

from deploy.local.database_roles import (
    DATABASE,
    DatabaseUrls,
    RolePasswords,
    ensure_database,
    ensure_roles,
    open_database,
    role_urls,
    sign_in,
)
from deploy.local.stack_error import LocalStackError
from deploy.local.stack_servers import ServerPlace


async def prepare_database(
    place: ServerPlace, environ: Mapping[str, str], passwords: RolePasswords
) -> DatabaseUrls:
    """Make sure that the database and its roles exist; where each role signs in.

    An operator's database is used as it is when all three of `HEDDLE_DATABASE_URL`,
    `HEDDLE_DATABASE_OWNER_URL` and `HEDDLE_DATABASE_SWEEPER_URL` are given. With the first one
    alone its user must be allowed to create roles. Raises LocalStackError.
    """
    given = _given_roles(place, environ)
    if given is not None:
        return given
    embedded = place.embedded is not None
    try:
        await ensure_roles(place.url, passwords, reset_passwords=embedded)
        if embedded:
            await ensure_database(place.url, DATABASE)
            return role_urls(place.url, passwords, DATABASE)
        name = urlsplit(place.url).path.lstrip("/") or DATABASE
        await open_database(place.url, name)
        urls = role_urls(place.url, passwords, name)
        for url in (urls.owner, urls.app, urls.sweeper):
            await sign_in(url)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidPasswordError) as error:
        raise LocalStackError(
            f"The database of HEDDLE_DATABASE_URL cannot be prepared: {error}.",
            remedy="Set HEDDLE_DATABASE_URL, HEDDLE_DATABASE_OWNER_URL and "
            "HEDDLE_DATABASE_SWEEPER_URL to the roles heddle_app, heddle_owner and "
            "heddle_sweeper of a database with the extension vector. Roles that another "
            ".heddle/ made keep its passwords: bring its server_passwords.json along.",
        ) from error
    except ValueError as error:
        # The URL itself may hold a password, and so may what is said about it.
        raise LocalStackError(
            "HEDDLE_DATABASE_URL is not a database's URL.",
            remedy="It reads postgresql://user:password@host:port/database.",
        ) from error
    except (OSError, asyncpg.PostgresError) as error:
        raise LocalStackError(
            f"The database cannot be reached: {error}.",
            remedy="Check HEDDLE_DATABASE_URL."
            if place.external
            else "Read the log of postgres (heddle logs postgres).",
        ) from error
    return urls


def _given_roles(place: ServerPlace, environ: Mapping[str, str]) -> DatabaseUrls | None:
    owner = environ.get("HEDDLE_DATABASE_OWNER_URL")
    sweeper = environ.get("HEDDLE_DATABASE_SWEEPER_URL")
    if place.external and owner and sweeper:
        return DatabaseUrls(owner=owner, app=place.external, sweeper=sweeper)
    return None
