"""Databases for tests: one server a session, one fresh database a test."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

from deploy.local.database_roles import (
    DatabaseUrls,
    RolePasswords,
    drop_database,
    ensure_database,
    ensure_roles,
    role_urls,
)
from deploy.local.layout import CHECKOUT

_PASSWORDS = RolePasswords(owner="owner", app="app", sweeper="sweeper")
_MIGRATE_SECONDS = 60
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshDatabase:
    """An own database for one test, by role.

    `url` is heddle_app's, as services get it; `admin_url` is the superuser's in this database.
    """

    url: str
    owner_url: str
    sweeper_url: str
    admin_url: str

    def environment(self) -> dict[str, str]:
        """The variables that services and the migration step read."""
        return {
            "HEDDLE_DATABASE_URL": self.url,
            "HEDDLE_DATABASE_OWNER_URL": self.owner_url,
            "HEDDLE_DATABASE_SWEEPER_URL": self.sweeper_url,
        }


class Databases:
    """Makes and drops databases on the session's server at `server_url` (a superuser's)."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._templates: set[str] = set()
        run_outside(ensure_roles(server_url, _PASSWORDS, reset_passwords=True))

    def create(self, *, migrated: bool) -> tuple[str, FreshDatabase]:
        """A new database with the roles and pgvector; `migrated` adds every service's schema.

        Returns its name, for `drop`, and its URLs.
        """
        name = f"test_{uuid4().hex}"
        template = self._template(migrated=migrated)
        run_outside(ensure_database(self._server_url, name, template))
        return name, self._described(role_urls(self._server_url, _PASSWORDS, name), name)

    def drop(self, name: str) -> None:
        run_outside(drop_database(self._server_url, name))

    def _template(self, *, migrated: bool) -> str:
        name = "template_migrated" if migrated else "template_empty"
        if name not in self._templates:
            run_outside(ensure_database(self._server_url, name))
            if migrated:
                urls = role_urls(self._server_url, _PASSWORDS, name)
                _migrate(self._described(urls, name))
            self._templates.add(name)
        return name

    def _described(self, urls: DatabaseUrls, name: str) -> FreshDatabase:
        return FreshDatabase(
            url=urls.app,
            owner_url=urls.owner,
            sweeper_url=urls.sweeper,
            admin_url=f"{self._server_url.rpartition('/')[0]}/{name}",
        )


def run_outside(work: Coroutine[object, object, T]) -> T:
    """Run `work` to its end on a loop of its own, whatever loop the caller's thread has."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _migrate(database: FreshDatabase) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "libs.common.database.migrate"],
        cwd=CHECKOUT,
        env=os.environ | database.environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=_MIGRATE_SECONDS,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the migrations failed:\n{done.stdout}{done.stderr}")
