"""Short calls to the engine's schema, with the failures of Postgres told in the house's words."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from uuid import UUID

import asyncpg

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import is_transient, translated
from libs.common.database.tenant_transaction import tenant_transaction
from libs.common.errors import Unavailable
from libs.common.retry_policy import STORE
from libs.common.retrying import retrying


class Contended(Unavailable):
    """A deadlock or a lock time-out; the same call may succeed again."""

    code = "store_contended"
    title = "The store is contended"


class Statements:
    """Each call is one transaction, tried again under the STORE policy where it met contention or
    a lost connection; so each must be safe to repeat."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Of a function that names its tenants itself, or over tables that have none."""
        return await retrying(STORE, lambda: self.fetch_once(statement, *arguments))

    async def fetch_once(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """As `fetch`, never tried again: for what would do more the second time."""
        with told():
            return await self._pool.fetch(statement, *arguments)

    async def fetch_of(
        self, tenants: Sequence[UUID], statement: str, *arguments: object
    ) -> list[asyncpg.Record]:
        """Over tenant tables, within the rows of `tenants`."""

        async def once() -> list[asyncpg.Record]:
            with told():
                async with tenant_transaction(self._pool, *tenants) as connection:
                    return await connection.fetch(statement, *arguments)

        return await retrying(STORE, once)


@contextmanager
def told() -> Generator[None]:
    """Raise Unavailable where the same transaction may succeed when tried again."""
    try:
        with translated():
            yield
    except Unavailable:
        raise
    except Exception as error:
        if is_transient(error):
            raise Contended("The store was contended; nothing was changed.") from error
        raise
