"""What must hold of every accepted run once a round is over, read from the journal itself."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from services.engine.domain.events.journal import EffectCompleted, EffectDispatched, RunFinished
from tests.chaos.database import ChaosDatabase, JournalRow, RunRow


async def audit(database: ChaosDatabase, run_ids: Sequence[UUID]) -> list[RunRow]:
    """Assert it of these runs; returns them as they stand."""
    rows = await database.runs(list(run_ids))
    assert len(rows) == len(run_ids), "an accepted run is unknown to the engine"
    for row in rows:
        assert row.status == "succeeded", row
        assert row.backend_status == "succeeded", row
        check_journal(row, await database.journal(row.run_id))
    left = [call for call in await database.calls(list(run_ids)) if call.status != "done"]
    assert not left, left
    return rows


def check_journal(run: RunRow, journal: list[JournalRow]) -> None:
    """Numbers without a hole, owners in order, one end, nothing completed twice."""
    expected, epoch = 1, 0
    for batch in journal:
        assert batch.first_seq == expected, f"{run.run_id}: {batch.first_seq}, not {expected}"
        assert batch.last_seq - batch.first_seq + 1 == len(batch.events)
        assert batch.epoch >= epoch, f"{run.run_id}: epoch {batch.epoch} wrote after {epoch}"
        expected, epoch = batch.last_seq + 1, batch.epoch
    assert epoch <= run.epoch
    events = [event for batch in journal for event in batch.events]
    ends = [event for event in events if isinstance(event, RunFinished)]
    assert len(ends) == 1, f"{run.run_id} ended {len(ends)} times"
    assert events[-1] is ends[0], f"{run.run_id} went on after its end"
    for kind in (EffectDispatched, EffectCompleted):
        keys = Counter(event.key for event in events if isinstance(event, kind))
        doubled = [key for key, count in keys.items() if count > 1]
        assert not doubled, f"{run.run_id}: {kind.__name__} twice for {doubled}"


async def nothing_is_left(database: ChaosDatabase) -> None:
    """Assert that no run of any round waits or runs."""
    rows = await database.runs()
    left = Counter(row.status for row in rows if row.status != "succeeded")
    assert not left, left
