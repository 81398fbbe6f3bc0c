"""The services' own rows, read and never written, as the tenant that owns them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from services.engine.infra.journal_codec import decode
from tests.chaos.rows import CallRow, FormRow, JournalRow, MessageRow, RunRow, seconds

CALLEES = ("inference", "plugin")
_OF_ROUND = "JOIN engine.runs r USING (tenant_id, run_id) WHERE r.accepted_at > $1 AND"
_LEFT = {
    "runs under way at the engine": "engine.runs WHERE accepted_at > $1 AND finished_at IS NULL",
    "runs under way at the backend": "backend.runs WHERE created_at > $1 AND finished_at IS NULL",
    "runs not handed over": "backend.runs WHERE created_at > $1 AND handed_over_at IS NULL",
    "unsent facts of the engine": "engine.outbox WHERE sent_at IS NULL",
    "unsent facts of the backend": "backend.outbox WHERE sent_at IS NULL",
    "commands": f"engine.run_commands {_OF_ROUND} drained_at IS NULL AND r.finished_at IS NULL",
    "timers": f"engine.run_timers {_OF_ROUND} true",
    "snapshots": f"engine.snapshots {_OF_ROUND} true",
    "open forms": f"engine.forms f {_OF_ROUND} f.status = 'open'",
    "pending messages": "backend.messages WHERE created_at > $1 AND status = 'pending'",
} | {
    f"{what} of {service}": query.format(service)
    for service in CALLEES
    for what, query in {
        "calls under way": "{}.call_claims WHERE claimed_at > $1 AND status = 'running'",
        "runs not known to have ended": f"{{}}.run_epochs {_OF_ROUND} ended_at IS NULL",
    }.items()
}
"""What no round may leave behind: rows of its own runs, and facts that were not told."""


class ChaosDatabase:
    """A read-only look at one tenant's rows; a round's own are those accepted since it was made.
    Connects for each question: the server is one of those that die."""

    def __init__(self, url: str, tenant: UUID) -> None:
        self._url = url
        self.tenant = tenant
        self._since = datetime.now(UTC)

    async def runs(self, run_ids: list[UUID]) -> list[RunRow]:
        found = await self._read(
            "SELECT e.run_id, e.status, b.status AS backend_status, e.epoch, e.owner,"
            " e.claimed_at, e.finished_at, e.takeovers, b.handed_over_at IS NOT NULL AS handed"
            " FROM engine.runs e LEFT JOIN backend.runs b USING (tenant_id, run_id)"
            " WHERE e.run_id = ANY($1) ORDER BY e.run_id",
            run_ids,
        )
        return [
            RunRow(
                run_id=row["run_id"],
                status=row["status"],
                backend_status=str(row["backend_status"]),
                handed_over=row["handed"],
                epoch=row["epoch"],
                owner=row["owner"],
                claimed_at=seconds(row["claimed_at"]),
                finished_at=seconds(row["finished_at"]),
                takeovers=row["takeovers"],
            )
            for row in found
        ]

    async def jobs(self) -> list[tuple[str, UUID]]:
        """Every run that the backend took on in this round, by its idempotency key."""
        found = await self._read(
            "SELECT split_part(idempotency_key, '/', 2) AS job, run_id FROM backend.runs"
            " WHERE created_at > $1",
            self._since,
        )
        return [(row["job"], row["run_id"]) for row in found]

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

    async def owned(self) -> dict[UUID, UUID]:
        """The owners of this round's runs under way."""
        found = await self._read(
            "SELECT run_id, owner FROM engine.runs WHERE accepted_at > $1 AND owner IS NOT NULL",
            self._since,
        )
        return {row["run_id"]: row["owner"] for row in found}

    async def lapsed(self, owners: Iterable[UUID]) -> set[UUID]:
        """Those whose lease is over."""
        found = await self._read(
            "SELECT o AS owner FROM unnest($1::uuid[]) o WHERE NOT engine.is_alive(o)", [*owners]
        )
        return {row["owner"] for row in found}

    async def fenced(self, run_ids: list[UUID]) -> list[UUID]:
        """Those of which inference knows a second owner, or the end."""
        found = await self._read(
            "SELECT run_id FROM inference.run_epochs"
            " WHERE run_id = ANY($1) AND (epoch > 1 OR ended_at IS NOT NULL)",
            run_ids,
        )
        return [row["run_id"] for row in found]

    async def calls(self) -> list[CallRow]:
        """Every keyed call of this round that a callee knows."""
        return [call for service in CALLEES for call in await self._calls_of(service)]

    async def forms(self, run_ids: list[UUID]) -> list[FormRow]:
        found = await self._read(
            "SELECT run_id, status, action, acted_at FROM engine.forms WHERE run_id = ANY($1)",
            run_ids,
        )
        return [
            FormRow(
                run_id=row["run_id"],
                status=row["status"],
                action=row["action"],
                acted_at=seconds(row["acted_at"]),
            )
            for row in found
        ]

    async def messages(self, run_ids: list[UUID]) -> list[MessageRow]:
        """The turns of these runs, and how many their conversations have."""
        found = await self._read(
            "SELECT m.run_id, m.status, m.answer, (SELECT count(*) FROM backend.messages o"
            " WHERE o.conversation_id = m.conversation_id) AS turns"
            " FROM backend.messages m WHERE m.run_id = ANY($1)",
            run_ids,
        )
        return [MessageRow(**dict(row)) for row in found]

    async def left(self) -> dict[str, int]:
        """How many rows there are of what no round may leave behind; only what there is."""
        columns = ", ".join(f"(SELECT count(*) FROM {query})" for query in _LEFT.values())
        found = await self._read(f"SELECT {columns}", self._since)
        return {what: n for what, n in zip(_LEFT, found[0], strict=True) if n}

    async def _calls_of(self, service: str) -> list[CallRow]:
        found = await self._read(
            f"SELECT run_id, key, status, effect_class, claim_number FROM {service}.call_claims"
            " WHERE claimed_at > $1",
            self._since,
        )
        return [CallRow(service=service, **dict(row)) for row in found]

    async def _read(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._url)
        try:
            async with connection.transaction(readonly=True):
                await connection.execute(
                    "SELECT set_config('heddle.tenants', $1, true)", str(self.tenant)
                )
                return await connection.fetch(query, *arguments)
        finally:
            await connection.close()


async def chaos_database(environment: dict[str, str]) -> ChaosDatabase:
    """Connecting as the services do; row-level security stays in force."""
    sweeper = await asyncpg.connect(environment["HEDDLE_DATABASE_SWEEPER_URL"])
    try:
        tenant = await sweeper.fetchval("SELECT tenant_id FROM backend.tenants LIMIT 1")
    finally:
        await sweeper.close()
    return ChaosDatabase(environment["HEDDLE_DATABASE_URL"], tenant)
