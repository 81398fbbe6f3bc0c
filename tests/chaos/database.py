"""The engine's own rows, read and never written, as the tenant that owns them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.engine.domain.events.journal import JournalEvent
from services.engine.infra.journal_codec import decode
from tests.support.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run as engine and backend store it. Times are Unix seconds, None where not reached."""

    run_id: UUID
    status: str
    backend_status: str
    epoch: int
    owner: UUID | None
    claimed_at: float | None
    finished_at: float | None
    takeovers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    first_seq: int
    last_seq: int
    epoch: int
    events: list[JournalEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One keyed call at inference; `claim_number` counts who set out to make it."""

    run_id: UUID
    key: str
    status: str
    claim_number: int


class ChaosDatabase:
    """A read-only look at one tenant's rows; a round's own are those accepted since it was made."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", tenant: UUID) -> None:
        self._connection = connection
        self.tenant = tenant
        self._since = datetime.now(UTC)

    async def runs(self, run_ids: list[UUID] | None = None) -> list[RunRow]:
        """The runs named, or all of every round."""
        found = await self._read(
            "SELECT e.run_id, e.status, b.status AS backend_status, e.epoch, e.owner,"
            " e.claimed_at, e.finished_at, e.takeovers"
            " FROM engine.runs e LEFT JOIN backend.runs b USING (tenant_id, run_id)"
            " WHERE $1::uuid[] IS NULL OR e.run_id = ANY($1) ORDER BY e.run_id",
            run_ids,
        )
        return [
            RunRow(
                run_id=row["run_id"],
                status=row["status"],
                backend_status=str(row["backend_status"]),
                epoch=row["epoch"],
                owner=row["owner"],
                claimed_at=_seconds(row["claimed_at"]),
                finished_at=_seconds(row["finished_at"]),
                takeovers=row["takeovers"],
            )
            for row in found
        ]

    async def journal(self, run_id: UUID) -> list[JournalRow]:
        """The run's batches in order."""
        found = await self._read(
            "SELECT first_seq, last_seq, epoch, bytes FROM engine.journal"
            " WHERE run_id = $1 ORDER BY first_seq",
            run_id,
        )
        return [
            JournalRow(
                first_seq=row["first_seq"],
                last_seq=row["last_seq"],
                epoch=row["epoch"],
                events=decode(row["bytes"]),
            )
            for row in found
        ]

    async def ownership(self) -> tuple[int, int]:
        """How many runs had more than one owner, and how many belong to one whose lease is over."""
        found = await self._read(
            "SELECT count(*) FILTER (WHERE epoch > 1) AS taken,"
            " count(*) FILTER (WHERE status = 'running' AND NOT engine.is_alive(owner)) AS orphans"
            " FROM engine.runs WHERE accepted_at > $1",
            self._since,
        )
        return found[0]["taken"], found[0]["orphans"]

    async def runs_called_again(self) -> list[UUID]:
        """Runs of this round whose second owner has made a call."""
        found = await self._read(
            "SELECT e.run_id FROM inference.run_epochs e JOIN engine.runs r USING (run_id)"
            " WHERE e.epoch > 1 AND r.accepted_at > $1",
            self._since,
        )
        return [row["run_id"] for row in found]

    async def calls(self, run_ids: list[UUID] | None = None) -> list[CallRow]:
        """Every keyed call of these runs, or of all, that inference knows."""
        found = await self._read(
            "SELECT run_id, key, status, claim_number FROM inference.call_claims"
            " WHERE $1::uuid[] IS NULL OR run_id = ANY($1)",
            run_ids,
        )
        return [
            CallRow(
                run_id=row["run_id"],
                key=row["key"],
                status=row["status"],
                claim_number=row["claim_number"],
            )
            for row in found
        ]

    async def _read(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with self._connection.transaction(readonly=True):
            await self._connection.execute(
                "SELECT set_config('heddle.tenants', $1, true)", str(self.tenant)
            )
            return await self._connection.fetch(query, *arguments)


def _seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()


@asynccontextmanager
async def chaos_database(platform: Platform) -> AsyncGenerator[ChaosDatabase]:
    """Connected as the services are; row-level security stays in force."""
    url = platform.environment["HEDDLE_DATABASE_URL"]
    sweeper = await asyncpg.connect(platform.environment["HEDDLE_DATABASE_SWEEPER_URL"])
    try:
        tenant: Any = await sweeper.fetchval("SELECT tenant_id FROM backend.tenants LIMIT 1")
    finally:
        await sweeper.close()
    connection = await asyncpg.connect(url)
    try:
        yield ChaosDatabase(connection, tenant)
    finally:
        await connection.close()
