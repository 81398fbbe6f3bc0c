"""Runs as rows, with claims and acceptances counted."""

from collections.abc import Collection, Sequence
from typing import Literal
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.run_commands import AcceptRun, ChildAccepted
from libs.common.database.asyncpg_pool import Pool
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from services.engine.app.ports.run_store import Acceptance, Claim, Group
from services.engine.infra.engine_metrics import EngineMetrics
from services.engine.infra.postgres.run_store import PostgresRunStore


class MeasuredRunStore(PostgresRunStore):
    """As PostgresRunStore. Queue ages compare the database's clock with `clock`."""

    def __init__(
        self,
        pool: Pool,
        sweeper: Pool,
        metrics: EngineMetrics,
        *,
        clock: Clock,
        group_limit: int | None = None,
        sealing: RunSealing | None = None,
        objects: ObjectStore | None = None,
    ) -> None:
        super().__init__(pool, sweeper, group_limit=group_limit, sealing=sealing, objects=objects)
        self._metrics = metrics
        self._clock = clock

    async def accept(self, request: AcceptRun, *, worker: UUID | None) -> Acceptance:
        accepted = await super().accept(request, worker=worker)
        if accepted.claim is not None:
            self._metrics.accepted("claimed")
            self._metrics.claimed("acceptance")
        else:
            self._metrics.accepted("known" if accepted.already_known else "queued")
        return accepted

    async def accept_child(self, parent: Claim, child: ChildAccepted) -> Acceptance | None:
        accepted = await super().accept_child(parent, child)
        if accepted is not None:
            self._metrics.accepted("known" if accepted.already_known else "queued")
        return accepted

    async def claim_queued(self, worker: UUID, groups: Sequence[Group]) -> list[Claim]:
        claims = await super().claim_queued(worker, groups)
        now = self._clock.time()
        for claim in claims:
            self._metrics.claimed("queue")
            # A later epoch was handed back: most of its age is not the queue's.
            if claim.epoch == 1:
                self._metrics.picked(now - claim.accepted_at)
        return claims

    async def claim_orphaned(
        self, worker: UUID, *, driven: Collection[UUID] | None, most: int
    ) -> list[Claim]:
        claims = await super().claim_orphaned(worker, driven=driven, most=most)
        for claim in claims:
            self._metrics.claimed("recovery")
            if claim.takeovers > 0:
                self._metrics.taken_over()
        return claims

    async def set_aside(
        self,
        worker: UUID,
        claim: Claim,
        status: Literal["quarantined", "incompatible"],
        evidence: str,
    ) -> bool:
        done = await super().set_aside(worker, claim, status, evidence)
        if done:
            self._metrics.set_aside(status)
        return done
