"""Where a run's time goes, from the instants that the platform itself writes down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from uuid import UUID

import asyncpg

from libs.common.database.asyncpg_pool import create_pool
from services.engine.domain.events.journal import RunFinished, RunStarted
from services.engine.infra.postgres.journal_reader import PostgresJournalReader

HOPS = (
    "request to backend row",
    "backend commit, subscription, hand-over",
    "engine accepts, claims, begins",
    "the run's nodes",
    "into the group commit",
    "fsync, event, backend finish, answer",
)
_SCOPE = "SELECT set_config('heddle.tenants', $1, false)"
_INSTANTS = """
SELECT b.created_at AS begun, e.accepted_at AS accepted, e.finished_at AS finished
FROM backend.runs b JOIN engine.runs e ON e.run_id = b.run_id WHERE b.run_id = $1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as its client saw it; instants are Unix seconds."""

    run_id: UUID
    sent: float
    answered: float


async def median_hops(environment: Mapping[str, str], calls: Sequence[Call]) -> dict[str, float]:
    """Milliseconds by hop, in the order of `HOPS`; together they make a median request."""
    tenant_id = await tenant_of(environment["HEDDLE_DATABASE_SWEEPER_URL"], calls[0].run_id)
    pool = await create_pool(environment["HEDDLE_DATABASE_URL"])
    try:
        reader = PostgresJournalReader(pool)
        found = [await _hops(pool, reader, tenant_id, call) for call in calls]
    finally:
        await pool.close()
    return {hop: median(each[place] for each in found) for place, hop in enumerate(HOPS)}


async def tenant_of(sweeper_url: str, run_id: UUID) -> UUID:
    """Whose run it is."""
    connection = await asyncpg.connect(sweeper_url)
    try:
        tenant_id = await connection.fetchval(
            "SELECT tenant_id FROM engine.runs WHERE run_id = $1", run_id
        )
    finally:
        await connection.close()
    assert isinstance(tenant_id, UUID)
    return tenant_id


async def _hops(
    pool: "asyncpg.Pool[asyncpg.Record]",
    reader: PostgresJournalReader,
    tenant_id: UUID,
    call: Call,
) -> list[float]:
    async with pool.acquire() as connection:
        await connection.execute(_SCOPE, str(tenant_id))
        row = await connection.fetchrow(_INSTANTS, call.run_id)
    assert row is not None
    events = [entry.event for entry in await reader.read(tenant_id, call.run_id)]
    first, last = events[0], events[-1]
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    instants = [
        call.sent,
        _seconds(row["begun"]),
        _seconds(row["accepted"]),
        first.at,
        last.at,
        _seconds(row["finished"]),
        call.answered,
    ]
    return [(instants[place + 1] - instants[place]) * 1e3 for place in range(len(HOPS))]


def _seconds(instant: datetime) -> float:
    return instant.timestamp()
