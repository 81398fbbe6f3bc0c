"""Reading a run's journal."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from libs.common.database.asyncpg_pool import Pool
from services.engine.app.errors import JournalUnreadable
from services.engine.app.ports.journal_store import Entry
from services.engine.infra.journal_codec import decode
from services.engine.infra.postgres.statements import Statements

_READ = """
SELECT first_seq, last_seq, bytes FROM engine.journal
WHERE tenant_id = $1 AND run_id = $2 ORDER BY first_seq"""
_NEWEST = """
SELECT first_seq, last_seq, bytes FROM engine.journal
WHERE tenant_id = $1 AND run_id = $2 AND ($3::bigint IS NULL OR first_seq < $3)
ORDER BY first_seq DESC LIMIT $4"""


class PostgresJournalReader:
    """Implements JournalReader. `pool` signs in as heddle_app."""

    def __init__(self, pool: Pool) -> None:
        self._statements = Statements(pool)

    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[Entry]:
        entries = _entries(await self._statements.fetch_of([tenant_id], _READ, tenant_id, run_id))
        if entries and entries[0].seq != 1:
            raise JournalUnreadable(f"The journal of {run_id} begins at {entries[0].seq}.")
        return entries

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, before: int | None, rows: int
    ) -> Sequence[Entry]:
        found = await self._statements.fetch_of(
            [tenant_id], _NEWEST, tenant_id, run_id, before, rows
        )
        return _entries(found[::-1])


def _entries(rows: Sequence[asyncpg.Record]) -> list[Entry]:
    entries: list[Entry] = []
    for row in rows:
        first: int = row["first_seq"]
        events = decode(row["bytes"])
        if first + len(events) - 1 != row["last_seq"] or (entries and entries[-1].seq != first - 1):
            raise JournalUnreadable(f"The journal has a gap at {first}.")
        entries.extend(Entry(seq, event) for seq, event in enumerate(events, first))
    return entries
