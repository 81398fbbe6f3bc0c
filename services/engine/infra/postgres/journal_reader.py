"""Reading a run's journal. Large events are fetched from the object store."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from libs.common.database.asyncpg_pool import Pool
from libs.common.errors import PlatformFault
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from services.engine.app.errors import JournalUnreadable
from services.engine.app.ports.journal_store import Entry
from services.engine.domain.events.journal import JournalEvent
from services.engine.infra.journal_codec import (
    StoredEvent,
    decode,
    journal_place,
    kinds_in,
    stored_in,
)
from services.engine.infra.postgres.statements import Statements
from services.engine.infra.postgres.stored_events import StoredEvents

_Row = tuple[int, int, bytes]

_READ = """
SELECT first_seq, last_seq, bytes FROM engine.journal
WHERE tenant_id = $1 AND run_id = $2 ORDER BY first_seq"""
# Which row holds an event is found by its key alone: rows are not looked at one by one.
_AFTER = """
SELECT first_seq, last_seq, bytes FROM (
    SELECT first_seq, last_seq, bytes,
        sum(octet_length(bytes)) OVER (ORDER BY first_seq) - octet_length(bytes) AS before
    FROM engine.journal
    WHERE tenant_id = $1 AND run_id = $2 AND first_seq >= (
        SELECT first_seq FROM engine.journal
        WHERE tenant_id = $1 AND run_id = $2 AND first_seq <= $3 + 1
        ORDER BY first_seq DESC LIMIT 1)
    AND last_seq > $3
    ORDER BY first_seq LIMIT $4) AS next
WHERE before < $5 ORDER BY first_seq"""
_NEWEST = """
SELECT first_seq, last_seq, bytes FROM engine.journal
WHERE tenant_id = $1 AND run_id = $2 AND ($3::bigint IS NULL OR first_seq < $3)
ORDER BY first_seq DESC LIMIT $4"""
_BYTES_AT_ONCE = 4 * 1024 * 1024
"""Where `after` stops before its number of rows, behind the row that reaches it."""
_DECODED_HERE = 256 * 1024
"""Above it rows are decoded beside the loop: a row of 32 MiB takes most of a second."""


class PostgresJournalReader:
    """Implements JournalReader. `pool` signs in as heddle_app; `sealing` None: sealed journals
    cannot be read; `objects` None: none that name large events."""

    def __init__(
        self,
        pool: Pool,
        sealing: RunSealing | None = None,
        objects: ObjectStore | None = None,
    ) -> None:
        self._statements = Statements(pool)
        self._sealing = sealing
        self._objects = StoredEvents(objects)

    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[Entry]:
        found = await self._statements.fetch_of([tenant_id], _READ, tenant_id, run_id)
        entries = await self._read(found, tenant_id, run_id, most=None)
        if entries and entries[0].seq != 1:
            raise JournalUnreadable(f"The journal of {run_id} begins at {entries[0].seq}.")
        return entries

    async def after(
        self, tenant_id: UUID, run_id: UUID, *, place: int, rows: int
    ) -> Sequence[Entry]:
        found = await self._statements.fetch_of(
            [tenant_id], _AFTER, tenant_id, run_id, place, rows, _BYTES_AT_ONCE
        )
        read = await self._read(found, tenant_id, run_id, most=_BYTES_AT_ONCE)
        entries = [entry for entry in read if entry.seq > place]
        if entries and entries[0].seq != place + 1:
            raise JournalUnreadable(f"The journal of {run_id} has a gap at {place + 1}.")
        return entries

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, before: int | None, rows: int
    ) -> Sequence[tuple[int, type[JournalEvent]]]:
        found = await self._statements.fetch_of(
            [tenant_id], _NEWEST, tenant_id, run_id, before, rows
        )
        return [
            (seq, kind)
            for row in found[::-1]
            for seq, kind in enumerate(
                kinds_in(self._revealed(tenant_id, run_id, row)), row["first_seq"]
            )
        ]

    async def _read(
        self, rows: Sequence[asyncpg.Record], tenant_id: UUID, run_id: UUID, *, most: int | None
    ) -> list[Entry]:
        """`most` bytes of large events, where there is more than one row of them."""
        payloads: list[_Row] = []
        wanted: list[StoredEvent] = []
        fetched = 0
        for row in rows:
            payload = self._revealed(tenant_id, run_id, row)
            named = stored_in(payload)
            size = sum(event.size for event in named)
            if most is not None and payloads and fetched + size > most:
                break
            fetched += size
            payloads.append((row["first_seq"], row["last_seq"], payload))
            wanted += named
        bodies = await self._objects.fetch(wanted) if wanted else {}
        if sum(len(payload) for *_, payload in payloads) + fetched <= _DECODED_HERE:
            return _entries(payloads, bodies)
        return await asyncio.to_thread(_entries, payloads, bodies)

    def _revealed(self, tenant_id: UUID, run_id: UUID, row: asyncpg.Record) -> bytes:
        stored: bytes = row["bytes"]
        if self._sealing is None:
            return stored
        place = journal_place(row["first_seq"])
        try:
            return self._sealing.reveal(stored, tenant_id=tenant_id, run_id=run_id, place=place)
        except PlatformFault as error:
            raise JournalUnreadable(f"A row stays closed: {error.message}") from error


def _entries(rows: Sequence[_Row], bodies: Mapping[str, bytes]) -> list[Entry]:
    entries: list[Entry] = []
    for first, last, encoded in rows:
        events = decode(encoded, bodies)
        if first + len(events) - 1 != last or (entries and entries[-1].seq != first - 1):
            raise JournalUnreadable(f"The journal has a gap at {first}.")
        entries.extend(Entry(seq, event) for seq, event in enumerate(events, first))
    return entries
