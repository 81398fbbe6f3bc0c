"""What the journal of an ended run says that another run may begin from."""

from collections.abc import Sequence
from uuid import UUID

from services.engine.app.errors import JournalUnreadable
from services.engine.app.ports.journal_store import JournalReader
from services.engine.domain.events.journal import JournalEvent, RunStarted
from services.engine.domain.forks.taken_events import is_told

_ROWS_AT_ONCE = 64


async def origin_story(
    journal: JournalReader, tenant_id: UUID, run_id: UUID
) -> tuple[RunStarted, Sequence[JournalEvent]]:
    """The run's beginning, and the course of its nodes without what they asked of the world, read
    piece by piece. Raises Unavailable, and JournalUnreadable where there is none."""
    story: list[JournalEvent] = []
    place = 0
    while found := await journal.after(tenant_id, run_id, place=place, rows=_ROWS_AT_ONCE):
        place = found[-1].seq
        story.extend(event for _, event in found if is_told(event) or isinstance(event, RunStarted))
    return _beginning(story, run_id), story


async def origin_start(journal: JournalReader, tenant_id: UUID, run_id: UUID) -> RunStarted:
    """The run's beginning alone. Raises as above."""
    found = await journal.after(tenant_id, run_id, place=0, rows=1)
    return _beginning([event for _, event in found], run_id)


def _beginning(story: Sequence[JournalEvent], run_id: UUID) -> RunStarted:
    started = story[0] if story else None
    if not isinstance(started, RunStarted):
        raise JournalUnreadable(f"The journal of run {run_id} is gone.")
    return started
