"""Deletes large events and bodies that no row names: their commit never came, what named them was
replaced, or their journal is gone."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from libs.common.clock import Clock
from libs.common.database.asyncpg_pool import Pool
from libs.common.errors import HeddleError, PlatformFault
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from services.engine.infra.journal_codec import journal_place, stored_in
from services.engine.infra.postgres.journal_rows import OBJECTS_FOLDER
from services.engine.infra.postgres.run_requests import REQUEST
from services.engine.infra.postgres.snapshot_store import SNAPSHOT
from services.engine.infra.postgres.statements import Statements
from services.engine.infra.postgres.stored_bodies import BODIES_FOLDER, place_in
from services.engine.infra.snapshot_codec import snapshot_place

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
# What names an object is short, and what is long need not be read.
_NAMING_BODIES = """
SELECT w.place, CASE WHEN octet_length(c.stored) < 4096 THEN c.stored END AS stored, c.seq
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY
    AS w(tenant_id, run_id, what, place)
CROSS JOIN LATERAL (
    SELECT r.request AS stored, 0 AS seq FROM engine.runs r
    WHERE r.tenant_id = w.tenant_id AND r.run_id = w.run_id AND w.what = 'request'
    UNION ALL
    SELECT r.outcome, 0 FROM engine.runs r
    WHERE r.tenant_id = w.tenant_id AND r.run_id = w.run_id AND w.what = 'outcome'
    UNION ALL
    SELECT s.bytes, s.seq FROM engine.snapshots s
    WHERE s.tenant_id = w.tenant_id AND s.run_id = w.run_id AND w.what = 'snapshot') AS c"""


class _Event(NamedTuple):
    tenant_id: UUID
    run_id: UUID
    seq: int
    name: str


class _Body(NamedTuple):
    tenant_id: UUID
    run_id: UUID
    what: str
    name: str


class StoredObjectCollector:
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
        events = await self._collected(OBJECTS_FOLDER, now, self._named_events)
        return events + await self._collected(BODIES_FOLDER, now, self._named_bodies)

    async def _collected(
        self, folder: str, now: datetime, named: Callable[[Sequence[str]], Awaitable[set[str]]]
    ) -> int:
        found = 0
        names: list[str] = []
        async for info in self._objects.list(f"{folder}/"):
            if now - info.modified > _AGE:
                names.append(info.key)
            if len(names) == _AT_ONCE:
                found += await self._delete_but(await named(names), names)
                names = []
        return found + (await self._delete_but(await named(names), names) if names else 0)

    async def _delete_but(self, kept: set[str], names: Sequence[str]) -> int:
        gone = [name for name in names if name not in kept]
        for name in gone:
            await self._objects.delete(name)
        return len(gone)

    async def _named_events(self, names: Sequence[str]) -> set[str]:
        """Those that a journal names, and those that are no events of ours."""
        parsed = {name: _event(name) for name in names}
        events = [event for event in parsed.values() if event is not None]
        rows = await self._statements.fetch_of(
            [*{event.tenant_id for event in events}],
            _NAMING,
            [event.tenant_id for event in events],
            [event.run_id for event in events],
            [event.seq for event in events],
        )
        kept = {name for name, event in parsed.items() if event is None}
        for row in rows:
            event = events[int(row["place"]) - 1]
            if self._names(event, journal_place(row["first_seq"]), row["bytes"]):
                kept.add(event.name)
        return kept

    async def _named_bodies(self, names: Sequence[str]) -> set[str]:
        """Those that a row names, and those that are no bodies of ours."""
        parsed = {name: _body(name) for name in names}
        bodies = [body for body in parsed.values() if body is not None]
        rows = await self._statements.fetch_of(
            [*{body.tenant_id for body in bodies}],
            _NAMING_BODIES,
            [body.tenant_id for body in bodies],
            [body.run_id for body in bodies],
            [body.what for body in bodies],
        )
        kept = {name for name, body in parsed.items() if body is None}
        for row in rows:
            body = bodies[int(row["place"]) - 1]
            if row["stored"] is None:
                continue
            place = snapshot_place(row["seq"]) if body.what == SNAPSHOT else REQUEST
            if self._names(body, place, row["stored"]):
                kept.add(body.name)
        return kept

    def _names(self, wanted: _Event | _Body, place: str, stored: bytes) -> bool:
        """Also where nobody here can tell."""
        try:
            stored = self._sealing.reveal(
                stored, tenant_id=wanted.tenant_id, run_id=wanted.run_id, place=place
            )
            body = place_in(stored)
            named = stored_in(stored) if body is None else [body]
            return any(each.name == wanted.name for each in named)
        except PlatformFault:
            return True


def _event(name: str) -> _Event | None:
    """From `journal/tenant/run.seq.id`, None for what is no event of ours."""
    try:
        _, tenant, last = name.split("/")
        run, seq, _ = last.split(".")
        return _Event(UUID(tenant), UUID(run), int(seq), name)
    except ValueError:
        return None


def _body(name: str) -> _Body | None:
    """From `runs/tenant/run.what.id`, None for what is no body of ours."""
    try:
        _, tenant, last = name.split("/")
        run, what, _ = last.split(".")
        return _Body(UUID(tenant), UUID(run), what, name)
    except ValueError:
        return None
