"""Where the time of a model call goes, from the instants that everybody on its way writes down."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median
from uuid import UUID

from benchmarks.http.hops import Call, tenant_of
from libs.common.database.asyncpg_pool import Pool, create_pool
from services.engine.domain.events.journal import EffectCompleted, EffectDispatched
from services.engine.infra.postgres.journal_reader import PostgresJournalReader

HOPS = (
    "engine's commit, NATS, into inference's claim",
    "claim's commit, request to the upstream",
    "the upstream",
    "parts, into inference's result",
    "result's commit, NATS, into the engine",
    "node's end, next node's call",
)
_SCOPE = "SELECT set_config('heddle.tenants', $1, false)"
_CLAIMS = "SELECT key, claimed_at, finished_at FROM inference.call_claims WHERE run_id = $1"

Instants = Sequence[tuple[float, float]]
"""Unix seconds: when the upstream had each request, and when it had written its answer."""


async def median_model_hops(
    environment: Mapping[str, str], calls: Sequence[Call], upstream: Instants
) -> dict[str, float]:
    """Milliseconds by hop of a node in the median, in the order of `HOPS`. The runs came one after
    the other, and so did the requests at the upstream."""
    tenant_id = await tenant_of(environment["HEDDLE_DATABASE_SWEEPER_URL"], calls[0].run_id)
    pool = await create_pool(environment["HEDDLE_DATABASE_URL"])
    found: list[list[float]] = []
    place = 0
    try:
        for call in calls:
            instants = await _calls_of(pool, tenant_id, call.run_id)
            nodes = upstream[place : place + len(instants)]
            place += len(instants)
            for number, ((sent, claimed, finished, completed), (had, wrote)) in enumerate(
                zip(instants, nodes, strict=True)
            ):
                following = instants[number + 1][0] if number + 1 < len(instants) else completed
                marks = [sent, claimed, had, wrote, finished, completed, following]
                found.append([(marks[at + 1] - marks[at]) * 1e3 for at in range(len(HOPS))])
    finally:
        await pool.close()
    assert place == len(upstream), f"{place} calls in the journals, {len(upstream)} upstream"
    return {hop: median(each[place] for each in found) for place, hop in enumerate(HOPS)}


async def _calls_of(
    pool: Pool, tenant_id: UUID, run_id: UUID
) -> list[tuple[float, float, float, float]]:
    """For each call, in Unix seconds: it was to be sent, claimed, done there, and known to the
    engine."""
    async with pool.acquire() as connection:
        await connection.execute(_SCOPE, str(tenant_id))
        rows = await connection.fetch(_CLAIMS, run_id)
    claims = {row["key"]: row for row in rows}
    entries = await PostgresJournalReader(pool).read(tenant_id, run_id)
    events = [entry.event for entry in entries]
    completed = {each.key: each.at for each in events if isinstance(each, EffectCompleted)}
    return [
        (
            each.at,
            _seconds(claims[each.key]["claimed_at"]),
            _seconds(claims[each.key]["finished_at"]),
            completed[each.key],
        )
        for each in events
        if isinstance(each, EffectDispatched)
    ]


def _seconds(instant: datetime) -> float:
    return instant.timestamp()
