"""When a run under way is worth a snapshot, and that snapshot's way into the store."""

import asyncio
import logging
from collections.abc import Callable

from services.engine.app.ports.journal_store import Append
from services.engine.app.ports.run_store import Claim
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.domain.execution.run_snapshot import RunSnapshot

_log = logging.getLogger(__name__)

SNAPSHOT_FLOOR = 2 * 1024 * 1024
"""Bytes of journal that are read again rather than kept a snapshot for. They are some 16,000
events of cheap nodes, a quarter of a second of reading and folding; a run of 5,000 such nodes
writes 1.3 MB and never pays for a snapshot. One of such a run costs the loop 1 ms."""

_LEAST_EVENT_BYTES = 128
"""What an event takes in the journal at the least, near enough."""


class SnapshotCutter:
    """One run under one claim. A snapshot is due when the journal has grown by more than the last
    one's size, and by more than `floor` bytes: so all snapshots of a run together cost in
    proportion to its journal. At most one is under way; one that fails is the next one's trouble.
    `take` makes one, of everything that has been submitted.
    """

    def __init__(
        self, claim: Claim, store: SnapshotStore, take: Callable[[], RunSnapshot], *, floor: int
    ) -> None:
        self._claim = claim
        self._store = store
        self._take = take
        self._floor = floor
        self._tail = 0
        self._last_size = 0
        self._held: tuple[Append, RunSnapshot] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._closed = False

    def folded(self, events: int) -> None:
        """The run was taken over with `events` behind its last snapshot."""
        self._tail = events * _LEAST_EVENT_BYTES

    def taken(self, append: Append, *, behind: Append | None) -> None:
        """`append` is durable; `behind` is the last one that is not."""
        self._tail += append.size
        if self._held is not None and self._held[0] is append:
            snapshot, self._held = self._held[1], None
            self._keep(snapshot)
        if self._is_due():
            self._cut(behind)

    def _is_due(self) -> bool:
        if self._tail <= self._floor or self._tail <= self._last_size:
            return False
        under_way = self._keeping is not None and not self._keeping.done()
        return not (self._closed or under_way or self._held is not None)

    def _cut(self, behind: Append | None) -> None:
        self._tail = 0
        try:
            snapshot = self._take()
        except Exception as error:  # noqa: BLE001 - the writer that calls us serves other runs too
            self._failed(error)
            self.close()
            return
        if behind is None:
            self._keep(snapshot)
        else:
            self._held = (behind, snapshot)

    def close(self) -> None:
        """Store nothing more. The end of the run would wait for a snapshot that is being stored,
        and all runs of the worker with it."""
        self._closed, self._held = True, None
        if self._keeping is not None:
            self._keeping.cancel()

    async def closed(self) -> None:
        """Wait until nothing of this run is under way."""
        if self._keeping is not None:
            await asyncio.gather(self._keeping, return_exceptions=True)

    def _keep(self, snapshot: RunSnapshot) -> None:
        if not self._closed:
            self._keeping = asyncio.ensure_future(self._kept(snapshot))

    async def _kept(self, snapshot: RunSnapshot) -> None:
        try:
            self._last_size = await self._store.keep(self._claim, snapshot)
        except Exception as error:  # noqa: BLE001 - the run does without
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        # Not its words: they may quote what users wrote.
        name = type(error).__name__
        _log.warning("no snapshot of run %s was stored: %s", self._claim.run_id, name)
