"""What is stored of a run that somebody takes up again."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.engine.app.ports.journal_store import Entry, JournalReader
from services.engine.app.ports.run_store import Claim
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.domain.events.journal import RunStarted
from services.engine.domain.execution.opening import NO_OPENING, Opening
from services.engine.domain.execution.run_snapshot import RunSnapshot

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class RunHistory:
    """`entries` are the events behind `snapshot`; None: they are all there are. A run without any
    begins with `opening`."""

    entries: Sequence[Entry] = ()
    snapshot: RunSnapshot | None = None
    opening: Opening = NO_OPENING

    @property
    def empty(self) -> bool:
        return self.snapshot is None and not self.entries

    @property
    def started(self) -> RunStarted | None:
        """The first event, None before it was written."""
        if self.snapshot is not None:
            return self.snapshot.machine.state.started
        first = self.entries[0].event if self.entries else None
        return first if isinstance(first, RunStarted) else None


async def whole_history(claim: Claim, journal: JournalReader) -> RunHistory:
    """Every event. Raises JournalUnreadable and Unavailable."""
    return RunHistory(await journal.read(claim.tenant_id, claim.run_id))


async def shortest_history(
    claim: Claim, journal: JournalReader, snapshots: SnapshotStore
) -> RunHistory:
    """From the last usable snapshot on. Raises JournalUnreadable and Unavailable."""
    snapshot = await snapshots.newest(claim.tenant_id, claim.run_id)
    if snapshot is None:
        return await whole_history(claim, journal)
    entries: list[Entry] = []
    while True:
        place = entries[-1].seq if entries else snapshot.seq
        found = await journal.after(claim.tenant_id, claim.run_id, place=place, rows=_ROWS_AT_ONCE)
        if not found:
            return RunHistory(entries, snapshot)
        entries.extend(found)
