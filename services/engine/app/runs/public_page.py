"""Reading one page of a run's public events."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.contracts.run_events import CommittedEvent
from services.engine.app.ports.journal_store import Entry, JournalReader
from services.engine.app.runs.view_checkpoints import Checkpoint, ViewCheckpoints
from services.engine.domain.execution.public_events import PublicView

ROWS_AT_ONCE = 64
MOST_BYTES = 8 * 1024 * 1024
"""Of a page, in JSON."""
_WORTH_KEEPING = 200
"""Events; below it reading from the start costs less than a place in memory."""


class PublicPage:
    """`events` above `after_seq`, at most `most`, and none behind the one with which they have
    `most_bytes` of JSON; `more`: there are others behind them.

    `place` is the newest event that `view` has seen, `secrets` what the run's first event names.
    """

    def __init__(
        self,
        view: PublicView,
        *,
        place: int,
        secrets: Mapping[str, int],
        after_seq: int,
        most: int,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._view = view
        self._place = place
        self._secrets = secrets
        self._after = after_seq
        self._most = most
        self._most_bytes = most_bytes
        self._size = 0
        self.events: list[CommittedEvent] = []
        self.more = False
        self._full: Checkpoint | None = None

    def _take(self, entries: Sequence[Entry]) -> None:
        for seq, event in entries:
            if seq <= self._after:
                self._view.tell(seq, event)
            elif (shown := self._view.map(seq, event)) is not None:
                if self._full is not None:
                    self.more = True
                    break
                self.events.append(shown)
                self._size += len(shown.model_dump_json())
            self._place = seq
            if self._full is None and self._is_full():
                # The next page is asked for from here.
                self._full = self._checkpoint()

    def _is_full(self) -> bool:
        return len(self.events) == self._most or self._size >= self._most_bytes

    async def read_on(
        self,
        journal: JournalReader,
        checkpoints: ViewCheckpoints,
        tenant_id: UUID,
        run_id: UUID,
    ) -> None:
        """Fill the page from the journal as far as that goes."""
        while not self.more:
            entries = await journal.after(tenant_id, run_id, place=self._place, rows=ROWS_AT_ONCE)
            if not entries:
                break
            self._take(entries)
        kept = self._full or self._checkpoint()
        if kept.place >= _WORTH_KEEPING:
            checkpoints.keep(tenant_id, run_id, kept)

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            place=self._place,
            secrets=self._secrets,
            view=self._view.snapshot(with_text=False),
        )
