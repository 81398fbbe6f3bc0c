"""Runs as rows. The functions of the migration do the work; here are their callers."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from libs.common.contracts.run_commands import (
    SET_ASIDE_STATUSES,
    AcceptRun,
    ChildAccepted,
    RunEnded,
    RunStatus,
)
from libs.common.contracts.run_queries import RunsQuery, RunSummary, TurnBefore
from libs.common.contracts.subjects import CHILD_ACCEPTED, shard_of
from libs.common.database.asyncpg_pool import Pool
from libs.common.identifiers import uuid7
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from services.engine.app.errors import RunIdOutOfRange, RunUnknown, WorkflowUnknown
from services.engine.app.ports.run_store import Acceptance, Claim, Group, RunRecord
from services.engine.infra.postgres.run_requests import RunRequests
from services.engine.infra.postgres.set_aside import set_aside
from services.engine.infra.postgres.statements import Statements
from services.engine.infra.postgres.stored_bodies import StoredBodies

_ACCEPT_CHILD = "SELECT * FROM engine.accept_child($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
_ACCEPT = "SELECT * FROM engine.accept_run($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_FIND = """
SELECT r.app_id, r.status, r.epoch, r.workflow_hash, r.accepted_at, r.claimed_at, r.outcome,
    r.evidence, turn.run_id AS waits_for, turn.status AS waits_for_status,
    EXISTS (SELECT FROM engine.journal_months
            WHERE lower_id <= $2 AND $2 < upper_id AND detached_at IS NOT NULL) AS history_gone
FROM engine.runs r LEFT JOIN LATERAL (
    SELECT h.run_id, h.status FROM engine.runs h
    WHERE r.waits_turn AND h.tenant_id = r.tenant_id AND h.turn_of = r.turn_of AND NOT h.waits_turn
      AND h.status IN ('queued', 'running', 'parked', 'quarantined', 'incompatible')
    ORDER BY h.accepted_at, h.run_id LIMIT 1) AS turn ON true
WHERE r.tenant_id = $1 AND r.run_id = $2"""
_SUMMARY = (
    "SELECT run_id, app_id, status, accepted_at, evidence, parent_run_id "
    "FROM engine.runs WHERE tenant_id = $1"
)
_SUMMARIES = f"{_SUMMARY} AND run_id = ANY($2) ORDER BY run_id DESC"
# The status as a word of its own: a parameter would hide it from the partial indexes.
_OF_STATUS = {
    status: f"{_SUMMARY} AND status = '{status}' AND ($2::uuid IS NULL OR app_id = $2) "
    "AND ($3::uuid IS NULL OR run_id < $3) ORDER BY run_id DESC LIMIT $4"
    for status in get_args(RunStatus)
}
_GROUPS = "SELECT * FROM engine.queued_groups($1, $2, $3, $4)"
_CLAIM_QUEUED = "SELECT * FROM engine.claim_queued($1, $2, $3, $4)"
_ORPHANED = "SELECT * FROM engine.orphaned_runs($1, $2, $3)"
_CLAIM_ORPHANED = "SELECT * FROM engine.claim_orphaned($1, $2, $3)"
_RELEASE = "SELECT engine.release_runs($1, $2, $3, $4) AS count"
_HAND_OVER = "SELECT engine.hand_over($1, $2, $3, $4, $5) AS epoch"
_NOTE_DEATH = "SELECT engine.note_death($1, $2, $3, $4, $5)"


class PostgresRunStore:
    """Implements RunStore. `pool` signs in as heddle_app, `sweeper` as heddle_sweeper.

    `group_limit` bounds the running runs of one app of one tenant, None for no bound. `sealing`
    None: runs that runs with secrets call can neither be stored nor read. Requests and outcomes
    above 256 KiB lie in `objects`; None: in their rows.
    """

    def __init__(
        self,
        pool: Pool,
        sweeper: Pool,
        *,
        group_limit: int | None = None,
        sealing: RunSealing | None = None,
        objects: ObjectStore | None = None,
    ) -> None:
        self._statements = Statements(pool)
        self._bodies = StoredBodies(objects)
        self._requests = RunRequests(self._statements, self._bodies, sealing)
        self._sweeps = Statements(sweeper)
        self._group_limit = group_limit

    async def accept(self, request: AcceptRun, *, worker: UUID | None) -> Acceptance:
        rows = await self._statements.fetch(
            _ACCEPT,
            request.tenant_id,
            request.run_id,
            request.app_id,
            shard_of(request.tenant_id),
            request.workflow_hash,
            await self._requests.stored(request),
            worker,
            self._group_limit,
            request.turn_of,
        )
        row = rows[0]
        match row["verdict"]:
            case "workflow_unknown":
                raise WorkflowUnknown(f"No workflow {request.workflow_hash} is registered.")
            case "id_out_of_range":
                raise RunIdOutOfRange("The time in `run_id` is not of these months.")
            case "claimed":
                claim = Claim(
                    epoch=row["run_epoch"],
                    request=request,
                    accepted_at=row["run_accepted_at"].timestamp(),
                    fresh=True,
                )
                return Acceptance(status="running", already_known=False, claim=claim)
            case verdict:
                return Acceptance(
                    status=row["run_status"],
                    already_known=verdict == "known",
                    waits=verdict == "waits",
                )

    async def accept_child(self, parent: Claim, child: ChildAccepted) -> Acceptance | None:
        request = child.acceptance
        rows = await self._statements.fetch(
            _ACCEPT_CHILD,
            request.tenant_id,
            parent.run_id,
            parent.epoch,
            request.run_id,
            request.app_id,
            shard_of(request.tenant_id),
            request.workflow_hash,
            await self._requests.stored(request),
            uuid7(),
            CHILD_ACCEPTED.name,
            child.tellable.model_dump_json().encode(),
        )
        match rows[0]["verdict"]:
            case "lost":
                return None
            case "workflow_unknown":
                raise WorkflowUnknown(f"No workflow {request.workflow_hash} is registered.")
            case "id_out_of_range":
                raise RunIdOutOfRange("The time in the caller's run id is not of these months.")
            case verdict:
                known = verdict == "known"
                return Acceptance(status=rows[0]["run_status"], already_known=known)

    async def find(self, tenant_id: UUID, run_id: UUID) -> RunRecord:
        rows = await self._statements.fetch_of([tenant_id], _FIND, tenant_id, run_id)
        if not rows:
            raise RunUnknown(f"No run {run_id}.")
        row = rows[0]
        outcome: bytes | None = row["outcome"]
        if outcome is not None:
            outcome = await self._bodies.whole(outcome)
        return RunRecord(
            tenant_id=tenant_id,
            run_id=run_id,
            app_id=row["app_id"],
            status=row["status"],
            epoch=row["epoch"],
            workflow_hash=row["workflow_hash"],
            accepted_at=row["accepted_at"].timestamp(),
            claimed_at=_seconds(row["claimed_at"]),
            outcome=RunEnded.model_validate_json(outcome) if outcome is not None else None,
            evidence=row["evidence"],
            history_gone=row["history_gone"],
            waits_for=_turn(row["waits_for"], row["waits_for_status"]),
        )

    async def summaries(self, query: RunsQuery) -> list[RunSummary]:
        tenant = query.tenant_id
        if query.run_ids:
            found = self._statements.fetch_of([tenant], _SUMMARIES, tenant, [*query.run_ids])
        else:
            found = self._statements.fetch_of(
                [tenant],
                _OF_STATUS[query.status],
                tenant,
                query.app_id,
                query.before,
                query.limit,
            )
        return [
            RunSummary(
                run_id=row["run_id"],
                app_id=row["app_id"],
                status=row["status"],
                created_at=row["accepted_at"].timestamp(),
                evidence=row["evidence"] if row["status"] in SET_ASIDE_STATUSES else None,
                parent_run_id=row["parent_run_id"],
            )
            for row in await found
        ]

    async def queued_groups(
        self, *, after: Group, most: int, passing: Collection[UUID] = ()
    ) -> list[Group]:
        rows = await self._sweeps.fetch(_GROUPS, after.tenant_id, after.app_id, most, [*passing])
        return [Group(row["tenant_id"], row["app_id"]) for row in rows]

    async def claim_queued(self, worker: UUID, groups: Sequence[Group]) -> list[Claim]:
        # Once: another try would claim other runs, and the caller never hear of the first ones.
        rows = await self._statements.fetch_once(
            _CLAIM_QUEUED,
            worker,
            [group.tenant_id for group in groups],
            [group.app_id for group in groups],
            self._group_limit,
        )
        return await self._requests.claims(worker, rows)

    async def claim_orphaned(
        self, worker: UUID, *, driven: Collection[UUID] | None, most: int
    ) -> list[Claim]:
        spared = None if driven is None else [*driven]
        found = await self._sweeps.fetch(_ORPHANED, worker, spared, most)
        if not found:
            return []
        rows = await self._statements.fetch_once(
            _CLAIM_ORPHANED,
            worker,
            [row["tenant_id"] for row in found],
            [row["run_id"] for row in found],
        )
        return await self._requests.claims(worker, rows)

    def claims_kept_back(self) -> bool:
        return self._requests.kept_back()

    async def release(self, worker: UUID, claims: Sequence[Claim]) -> int:
        rows = await self._statements.fetch(
            _RELEASE,
            worker,
            [claim.tenant_id for claim in claims],
            [claim.run_id for claim in claims],
            [claim.epoch for claim in claims],
        )
        return int(rows[0]["count"])

    async def hand_over(self, worker: UUID, claim: Claim, *, to: UUID) -> Claim | None:
        rows = await self._statements.fetch(
            _HAND_OVER, worker, claim.tenant_id, claim.run_id, claim.epoch, to
        )
        epoch: int | None = rows[0]["epoch"]
        return None if epoch is None else replace(claim, epoch=epoch, fresh=False)

    async def note_death(self, worker: UUID, claim: Claim, evidence: str) -> None:
        await self._statements.fetch(
            _NOTE_DEATH, worker, claim.tenant_id, claim.run_id, claim.epoch, evidence
        )

    async def set_aside(
        self,
        worker: UUID,
        claim: Claim,
        status: Literal["quarantined", "incompatible"],
        evidence: str,
    ) -> bool:
        return await set_aside(
            self._statements,
            worker,
            tenant_id=claim.tenant_id,
            run_id=claim.run_id,
            epoch=claim.epoch,
            status=status,
            evidence=evidence,
        )


def _turn(run_id: UUID | None, status: RunStatus) -> TurnBefore | None:
    return None if run_id is None else TurnBefore(run_id=run_id, status=status)


def _seconds(instant: datetime | None) -> float | None:
    return None if instant is None else instant.timestamp()
