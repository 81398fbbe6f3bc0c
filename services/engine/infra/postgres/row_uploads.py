"""Rows whose large events are on their way to the object store."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from libs.common.errors import HeddleError
from libs.common.object_store.sealed_objects import sealed
from libs.common.object_store.store import ObjectStore
from services.engine.app.ports.journal_store import Append
from services.engine.infra.journal_codec import StoredEvent
from services.engine.infra.postgres.journal_rows import JournalRow

_log = logging.getLogger(__name__)
_REST_SECONDS = 0.5


class RowUploads:
    """Stores events before the rows that name them are committed, a run at a time and runs side by
    side. `done` is given the rows of one append, and what its run said meanwhile.

    While the store is away it goes on trying until the append is abandoned.
    """

    def __init__(
        self, store: ObjectStore, done: Callable[[Sequence[JournalRow], list[Append]], None]
    ) -> None:
        self._store = store
        self._done = done
        self._behind: dict[UUID, list[Append]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, append: Append) -> bool:
        """Whether it was taken to wait behind an earlier one of its run."""
        behind = self._behind.get(append.run_id)
        if behind is None:
            return False
        behind.append(append)
        return True

    def begin(self, append: Append, rows: Sequence[JournalRow]) -> None:
        """Store what `rows`, all those of `append`, name."""
        self._behind[append.run_id] = []
        task = asyncio.ensure_future(self._upload(append, rows))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _upload(self, append: Append, rows: Sequence[JournalRow]) -> None:
        for row in rows:
            for stored, body in row.large:
                await self._surely(append, stored, body)
        self._done(rows, self._behind.pop(append.run_id))

    async def _surely(self, append: Append, stored: StoredEvent, body: bytes) -> None:
        box = await asyncio.to_thread(sealed, body, stored.key)
        while not append.abandoned:
            try:
                return await self._store.put(stored.name, box)
            except (HeddleError, OSError) as error:
                _log.warning("run %s waits for the object store: %s", append.run_id, error)
                await asyncio.sleep(_REST_SECONDS)
        return None
