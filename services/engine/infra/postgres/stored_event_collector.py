"""Deletes large events that no journal names: their commit never came, or their journal is gone."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from libs.common.clock import Clock
from libs.common.database.asyncpg_pool import Pool
from libs.common.errors import HeddleError, PlatformFault
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from services.engine.infra.journal_codec import journal_place, stored_in
from services.engine.infra.postgres.journal_rows import OBJECTS_FOLDER
from services.engine.infra.postgres.statements import Statements

_log = logging.getLogger(__name__)

_AGE = timedelta(hours=24)
"""Longer than a run can be on its way from an upload to the commit that names it."""
_REST_SECONDS = 6 * 3600.0
_AT_ONCE = 100
_NAMING = """
SELECT w.place, j.first_seq, j.bytes
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY
    AS w(tenant_id, run_id, seq, place)
CROSS JOIN LATERAL (
    SELECT first_seq, bytes FROM engine.journal
    WHERE tenant_id = w.tenant_id AND run_id = w.run_id AND first_seq <= w.seq
    ORDER BY first_seq DESC LIMIT 1) AS j"""


class _Place(NamedTuple):
    tenant_id: UUID
    run_id: UUID
    seq: int
    name: str


class StoredEventCollector:
    """`pool` signs in as heddle_app. What cannot be told, because nobody here opens the row that
    might name it, is left."""

    def __init__(self, pool: Pool, objects: ObjectStore, sealing: RunSealing) -> None:
        self._statements = Statements(pool)
        self._objects = objects
        self._sealing = sealing

    async def run(self, clock: Clock) -> None:
        """Collect every six hours, until cancelled."""
        # Every worker does; they seldom begin at once, and to delete twice does no harm.
        while True:
            await clock.sleep(_REST_SECONDS)
            try:
                await self.collect(clock.now())
            except (HeddleError, OSError) as error:
                _log.warning("unnamed events stay: %s", error)

    async def collect(self, now: datetime) -> int:
        """Delete what has been unnamed for 24 hours; returns how many. Raises Unavailable."""
        found = 0
        places: list[_Place] = []
        async for info in self._objects.list(f"{OBJECTS_FOLDER}/"):
            place = _place(info.key)
            if place is not None and now - info.modified > _AGE:
                places.append(place)
            if len(places) == _AT_ONCE:
                found += await self._collected(places)
                places = []
        return found + (await self._collected(places) if places else 0)

    async def _collected(self, places: Sequence[_Place]) -> int:
        rows = await self._statements.fetch_of(
            [*{place.tenant_id for place in places}],
            _NAMING,
            [place.tenant_id for place in places],
            [place.run_id for place in places],
            [place.seq for place in places],
        )
        asked = [(row, places[int(row["place"]) - 1]) for row in rows]
        named = {place.name for row, place in asked if self._names(row, place)}
        unnamed = [place.name for place in places if place.name not in named]
        for name in unnamed:
            await self._objects.delete(name)
        return len(unnamed)

    def _names(self, row: asyncpg.Record, place: _Place) -> bool:
        stored: bytes = row["bytes"]
        try:
            stored = self._sealing.reveal(
                stored,
                tenant_id=place.tenant_id,
                run_id=place.run_id,
                place=journal_place(row["first_seq"]),
            )
            return any(event.name == place.name for event in stored_in(stored))
        except PlatformFault:
            return True


def _place(name: str) -> _Place | None:
    """From `journal/tenant/run.seq.id`, None for what is no event of ours."""
    try:
        _, tenant, last = name.split("/")
        run, seq, _ = last.split(".")
        return _Place(UUID(tenant), UUID(run), int(seq), name)
    except ValueError:
        return None
