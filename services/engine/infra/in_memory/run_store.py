"""Runs in memory, by the rules of the real store."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from libs.common.contracts.run_commands import SET_ASIDE_STATUSES, AcceptRun, ChildAccepted
from libs.common.contracts.run_queries import RunsQuery, RunSummary, TurnBefore
from libs.common.identifiers import uuid7_millis
from services.engine.app.errors import RunIdOutOfRange, RunUnknown, WorkflowUnknown
from services.engine.app.ports.run_store import Acceptance, Claim, Group, RunRecord
from services.engine.infra.in_memory.engine_state import EngineState, RunRow

_SPAN = timedelta(days=120)


class InMemoryRunStore:
    """Implements RunStore."""

    def __init__(self, state: EngineState, *, group_limit: int | None = None) -> None:
        self._state = state
        self._group_limit = group_limit

    async def accept(self, request: AcceptRun, *, worker: UUID | None) -> Acceptance:
        state = self._state
        known = state.runs.get((request.tenant_id, request.run_id))
        if known is not None:
            return Acceptance(status=known.status, already_known=True)
        if (request.tenant_id, request.workflow_hash) not in state.workflows:
            raise WorkflowUnknown(f"No workflow {request.workflow_hash} is registered.")
        if abs(uuid7_millis(request.run_id) / 1000 - state.now()) > _SPAN.total_seconds():
            raise RunIdOutOfRange("The time in `run_id` is not of these months.")
        group = Group(request.tenant_id, request.app_id)
        row = RunRow(request=request, accepted_at=state.now(), status="queued")
        row.waits_turn = bool(state.turns(request))
        at_once = (
            worker is not None
            and not row.waits_turn
            and state.is_alive(worker)
            and not self._of_group(group, "queued")
            and self._has_room(group)
        )
        state.add(row)
        if worker is None or not at_once:
            return Acceptance(status="queued", already_known=False, waits=row.waits_turn)
        row.claimed_by(worker, state.now())
        claim = Claim(epoch=row.epoch, request=request, accepted_at=row.accepted_at, fresh=True)
        return Acceptance(status="running", already_known=False, claim=claim)

    async def accept_child(self, parent: Claim, child: ChildAccepted) -> Acceptance | None:
        row = self._state.runs.get((parent.tenant_id, parent.run_id))
        if row is None or row.owner is None or row.epoch != parent.epoch:
            return None
        accepted = await self.accept(child.acceptance, worker=None)
        if not accepted.already_known:
            self._state.children.append(child.tellable)
        return accepted

    async def find(self, tenant_id: UUID, run_id: UUID) -> RunRecord:
        row = self._state.runs.get((tenant_id, run_id))
        if row is None:
            raise RunUnknown(f"No run {run_id}.")
        return RunRecord(
            tenant_id=tenant_id,
            run_id=run_id,
            app_id=row.request.app_id,
            status=row.status,
            epoch=row.epoch,
            workflow_hash=row.request.workflow_hash,
            accepted_at=row.accepted_at,
            claimed_at=row.claimed_at,
            outcome=row.outcome,
            evidence=row.evidence,
            waits_for=self._turn_before(row),
        )

    async def summaries(self, query: RunsQuery) -> list[RunSummary]:
        found = [
            RunSummary(
                run_id=run_id,
                app_id=row.request.app_id,
                status=row.status,
                created_at=row.accepted_at,
                evidence=row.evidence if row.status in SET_ASIDE_STATUSES else None,
                parent_run_id=row.request.parent.run_id if row.request.parent else None,
            )
            for (tenant_id, run_id), row in self._state.runs.items()
            if tenant_id == query.tenant_id and _is_wanted(query, run_id, row)
        ]
        return sorted(found, key=lambda run: run.run_id, reverse=True)[: query.limit]

    async def queued_groups(
        self, *, after: Group, most: int, passing: Collection[UUID] = ()
    ) -> list[Group]:
        waiting = {
            Group(row.request.tenant_id, row.request.app_id)
            for row in self._state.live
            if row.status == "queued"
            and not row.waits_turn
            and row.request.tenant_id not in passing
        }
        return sorted(group for group in waiting if group > after)[:most]

    async def claim_queued(self, worker: UUID, groups: Sequence[Group]) -> list[Claim]:
        if not self._state.is_alive(worker):
            return []
        claims: list[Claim] = []
        for group in sorted(groups):
            waiting = self._of_group(group, "queued")
            if waiting and self._has_room(group):
                oldest = min(waiting, key=lambda row: row.accepted_at)
                claims.append(oldest.claimed_by(worker, self._state.now()))
        return claims

    async def claim_orphaned(
        self, worker: UUID, *, driven: Collection[UUID] | None, most: int
    ) -> list[Claim]:
        if not self._state.is_alive(worker):
            return []
        claims: list[Claim] = []
        for row in self._state.live:
            if row.status != "running" or len(claims) == most:
                continue
            if row.owner == worker:
                if driven is not None and row.request.run_id not in driven:
                    claims.append(row.claimed_by(worker, self._state.now()))
            elif not self._state.is_alive(row.owner):
                row.takeovers += 1
                claims.append(row.claimed_by(worker, self._state.now()))
        return claims

    def claims_kept_back(self) -> bool:
        return False

    async def release(self, worker: UUID, claims: Sequence[Claim]) -> int:
        ours = [row for claim in claims if (row := self._owned(worker, claim)) is not None]
        for row in ours:
            row.status, row.owner = "queued", None
        return len(ours)

    async def hand_over(self, worker: UUID, claim: Claim, *, to: UUID) -> Claim | None:
        row = self._owned(worker, claim)
        if row is None or not self._state.is_alive(to):
            return None
        return row.claimed_by(to, self._state.now())

    async def note_death(self, worker: UUID, claim: Claim, evidence: str) -> None:
        row = self._owned(worker, claim)
        if row is not None:
            row.evidence = evidence

    async def set_aside(
        self,
        worker: UUID,
        claim: Claim,
        status: Literal["quarantined", "incompatible"],
        evidence: str,
    ) -> bool:
        row = self._owned(worker, claim)
        if row is None:
            return False
        row.status, row.owner, row.evidence = status, None, evidence
        return True

    def _turn_before(self, row: RunRow) -> TurnBefore | None:
        if not row.waits_turn:
            return None
        first = next(each for each in self._state.turns(row.request) if not each.waits_turn)
        return TurnBefore(run_id=first.request.run_id, status=first.status)

    def _owned(self, worker: UUID, claim: Claim) -> RunRow | None:
        row = self._state.runs[claim.tenant_id, claim.run_id]
        ours = row.owner == worker and row.epoch == claim.epoch and row.status == "running"
        return row if ours else None

    def _of_group(self, group: Group, status: str) -> list[RunRow]:
        return [
            row
            for row in self._state.live
            if row.status == status
            and not row.waits_turn
            and (row.request.tenant_id, row.request.app_id) == group
        ]

    def _has_room(self, group: Group) -> bool:
        limit = self._group_limit
        return limit is None or len(self._of_group(group, "running")) < limit


def _is_wanted(query: RunsQuery, run_id: UUID, row: RunRow) -> bool:
    if query.run_ids:
        return run_id in query.run_ids
    return (
        row.status == query.status
        and query.app_id in {None, row.request.app_id}
        and (query.before is None or run_id < query.before)
    )
