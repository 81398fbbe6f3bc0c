"""Runs as rows: acceptance, claims, and the way back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from libs.common.contracts.run_commands import AcceptRun, ChildAccepted, RunEnded, RunStatus
from libs.common.contracts.run_queries import RunsQuery, RunSummary, TurnBefore


class Group(NamedTuple):
    """The runs of one app of one tenant: what picking is fair between."""

    tenant_id: UUID
    app_id: UUID


FIRST_GROUP = Group(UUID(int=0), UUID(int=0))
"""Before every group: a cursor here starts the walk over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run that is now this worker's, under `epoch`.

    `takeovers` counts the workers that died with it since it last made progress. `accepted_at` is
    Unix seconds. `fresh`: claimed by its very acceptance, so nothing else can be stored of it.
    """

    epoch: int
    request: AcceptRun
    takeovers: int = 0
    accepted_at: float
    fresh: bool = False

    @property
    def tenant_id(self) -> UUID:
        return self.request.tenant_id

    @property
    def run_id(self) -> UUID:
        return self.request.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """`claim` is set when the worker that accepted got the run at once. `waits`: it is the turn of
    another one, so nobody can have it yet."""

    status: RunStatus
    already_known: bool
    claim: Claim | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run's row. Instants are Unix seconds. `outcome` is set once it has ended,
    `evidence` once it was set aside or a process of its own died with it. `history_gone`: what
    happened in it is kept no longer. `waits_for`: the run of its conversation whose turn it is."""

    tenant_id: UUID
    run_id: UUID
    app_id: UUID
    status: RunStatus
    epoch: int
    workflow_hash: str
    accepted_at: float
    claimed_at: float | None
    outcome: RunEnded | None
    evidence: str | None
    history_gone: bool = False
    waits_for: TurnBefore | None = None


class RunStore(Protocol):
    """Every call raises Unavailable when the store is away."""

    async def accept(self, request: AcceptRun, *, worker: UUID | None) -> Acceptance:
        """Store the run, idempotently by its id.

        `worker`, one with room, claims it in the same commit unless its group has queued runs. It
        waits while an earlier run of `request.turn_of` has not ended.
        Raises WorkflowUnknown and RunIdOutOfRange.
        """
        ...

    async def accept_child(self, parent: Claim, child: ChildAccepted) -> Acceptance | None:
        """Store the run of `child` as queued, idempotently by its id, and the fact with it. None
        when the run that calls it is no longer owned under `parent`.

        Raises WorkflowUnknown and RunIdOutOfRange.
        """
        ...

    async def find(self, tenant_id: UUID, run_id: UUID) -> RunRecord:
        """Raises RunUnknown."""
        ...

    async def summaries(self, query: RunsQuery) -> list[RunSummary]:
        """What `query` asks for, newest first."""
        ...

    async def queued_groups(
        self, *, after: Group, most: int, passing: Collection[UUID] = ()
    ) -> list[Group]:
        """The next groups with queued runs, in order, starting behind `after`; none of the tenants
        in `passing`."""
        ...

    async def claim_queued(self, worker: UUID, groups: Sequence[Group]) -> list[Claim]:
        """The oldest queued run of each group that may have one more running.

        After Unavailable some may be claimed all the same: `claim_orphaned` finds them.
        """
        ...

    async def claim_orphaned(
        self, worker: UUID, *, driven: Collection[UUID] | None, most: int
    ) -> list[Claim]:
        """Runs of workers whose lease has run out, each counted as a takeover.

        `driven` adds those the store says are ours and that are not in it, uncounted; None leaves
        our own alone.
        """
        ...

    def claims_kept_back(self) -> bool:
        """Whether a claim was not handed out since the last time this was asked, because its
        request could not be read yet: it is the worker's, and nobody drives it."""
        ...

    async def release(self, worker: UUID, claims: Sequence[Claim]) -> int:
        """Hand runs back as queued. Returns how many were still ours."""
        ...

    async def hand_over(self, worker: UUID, claim: Claim, *, to: UUID) -> Claim | None:
        """Make a run of `worker` that of another living incarnation, uncounted; None when it is no
        longer ours or `to` has no lease."""
        ...

    async def note_death(self, worker: UUID, claim: Claim, evidence: str) -> None:
        """Keep how `worker` died with a run that is still its own."""
        ...

    async def set_aside(
        self,
        worker: UUID,
        claim: Claim,
        status: Literal["quarantined", "incompatible"],
        evidence: str,
    ) -> bool:
        """Take a run out of circulation; False when it is no longer ours."""
        ...
