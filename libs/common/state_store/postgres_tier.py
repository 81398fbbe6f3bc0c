"""The last tier: `state_records` of one schema."""

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from libs.common.errors import InvalidInput
from libs.common.state_store.tiers import NEVER_THERE, Place, Version, conflict


class PostgresTier:
    """`pool` signs in as heddle_app. A read or a write is one round trip."""

    def __init__(self, pool: Pool, schema: str) -> None:
        self._pool = pool
        self._read = f"select * from {schema}.state_read($1, $2, $3)"  # noqa: S608 - the schema is ours
        self._write = f"select {schema}.state_write($1, $2, $3, $4, $5)"

    async def read(self, place: Place) -> Version:
        with translated():
            row = await self._pool.fetchrow(
                self._read, place.tenant_id, place.namespace.name, _checked(place.key)
            )
        return NEVER_THERE if row is None else Version(revision=row["revision"], value=row["value"])

    async def write(self, place: Place, value: bytes | None, expected: int | None) -> int:
        with translated():
            revision: int = await self._pool.fetchval(
                self._write,
                place.tenant_id,
                place.namespace.name,
                _checked(place.key),
                value,
                expected,
            )
        if revision < 0:
            raise conflict(place, -1 - revision)
        return revision


def _checked(key: str) -> str:
    # Postgres' text cannot hold it, and would answer with an error of its own.
    if "\x00" in key:
        raise InvalidInput("A key holds no NUL character.")
    return key
