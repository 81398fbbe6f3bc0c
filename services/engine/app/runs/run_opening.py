"""What a new run's journal begins with, beside the run's own start."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.run_forks import RunOrigin
from services.engine.app.ports.journal_store import JournalReader
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.origin_story import origin_start, origin_story
from services.engine.domain.events.journal import (
    HistoryTaken,
    JournalEvent,
    RunStarted,
    VariablesGiven,
)
from services.engine.domain.execution.opening import Opening
from services.engine.domain.forks.taken_events import taken_events


def has_opening(claim: Claim) -> bool:
    return claim.request.origin is not None or bool(claim.request.given)


async def opening_of(claim: Claim, journal: JournalReader, *, now: float) -> Opening:
    """Raises Unavailable, and JournalUnreadable when the origin's journal is gone."""
    request, facts = claim.request, list[JournalEvent]()
    if request.given:
        facts.append(VariablesGiven(at=now, variables=request.given))
    if request.origin is None:
        return Opening(facts=facts)
    facts.append(_history_taken(request.origin, now))
    pins, taken = await _story(request.tenant_id, request.origin, journal)
    return Opening(pins=pins, facts=facts, taken=taken)


def _history_taken(origin: RunOrigin, now: float) -> HistoryTaken:
    return HistoryTaken(
        at=now,
        origin=str(origin.run_id),
        from_node=origin.from_node,
        taken=[*origin.taken],
        edited={node_id: [*values] for node_id, values in origin.outputs.items()},
    )


async def _story(
    tenant_id: UUID, origin: RunOrigin, journal: JournalReader
) -> tuple[RunStarted, Sequence[JournalEvent]]:
    if not origin.taken:
        return await origin_start(journal, tenant_id, origin.run_id), ()
    started, story = await origin_story(journal, tenant_id, origin.run_id)
    return started, taken_events(
        story,
        origin=str(origin.run_id),
        taken=frozenset(origin.taken),
        outputs=origin.outputs,
    )
