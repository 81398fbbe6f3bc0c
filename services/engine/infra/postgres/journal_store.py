"""The group commit: one writer, one statement in flight, all runs of the worker in it."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from libs.common.database.asyncpg_pool import Pool
from libs.common.database.held_connection import HeldConnection
from libs.common.errors import HeddleError
from libs.common.object_store.store import ObjectStore
from libs.common.retry_policy import STORE
from libs.common.retrying import retrying
from libs.common.run_sealing import RunSealing
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.infra.postgres.commit_statement import commit_of
from services.engine.infra.postgres.journal_rows import JournalRow, rows_of, settle
from services.engine.infra.postgres.row_uploads import RowUploads
from services.engine.infra.postgres.statements import told

_log = logging.getLogger(__name__)

_REST_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedGroup:
    """A statement that came back: `lost` are places in `appends`, counted from 1, that it refused.
    `size` in bytes, with the refused; `seconds` with repetitions."""

    appends: Sequence[Append]
    lost: Collection[int]
    size: int
    seconds: float


class GroupCommitter:
    """Implements JournalWriter; `run` is its writer. A group is whatever waited while the previous
    statement was under way: nothing is ever delayed to make it larger.

    Contention and lost connections are retried as they are; an error in the data is narrowed down
    to the run that brought it. While Postgres is away it goes on trying until every append was
    abandoned, which the worker does before its lease ends. `pool` signs in as heddle_app; `sealing`
    None: appends of runs with secrets are refused. `objects` None: large events stand in their
    rows; else an append that has some waits for them to be stored, and others do not.
    """

    def __init__(
        self,
        pool: Pool,
        worker: UUID,
        *,
        sealing: RunSealing | None = None,
        objects: ObjectStore | None = None,
        on_commit: Callable[[CommittedGroup], None] | None = None,
    ) -> None:
        self._held = HeldConnection(pool)
        self._worker = worker
        self._sealing = sealing
        self._on_commit = on_commit
        self._uploads = RowUploads(objects, self._uploaded) if objects is not None else None
        self._stored: list[JournalRow] = []
        self._waiting: list[Append] = []
        self._wake = asyncio.Event()

    def submit(self, append: Append) -> None:
        self._waiting.append(append)
        self._wake.set()

    @property
    def waiting(self) -> int:
        """Appends that wait for the next group."""
        return len(self._waiting)

    async def run(self) -> None:
        """Write until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                waiting, self._waiting = self._waiting, []
                rows, self._stored = self._stored, []
                for each in waiting:
                    rows.extend(self._ready(each))
                if rows:
                    # Every worker locks runs in this order, so that none waits in a circle.
                    rows.sort(key=_run_of)
                    await self._write(rows)
        finally:
            if self._uploads is not None:
                await self._uploads.close()
            await self._held.give_back()

    def _ready(self, append: Append) -> Sequence[JournalRow]:
        """What can be committed of `append` now: all of it, or nothing."""
        uploads = self._uploads
        if uploads is None:
            return rows_of(append, self._sealing)
        if uploads.takes(append):
            return ()
        rows = rows_of(append, self._sealing, divided=True)
        if any(row.large for row in rows):
            uploads.begin(append, rows)
            return ()
        return rows

    def _uploaded(self, rows: Sequence[JournalRow], behind: list[Append]) -> None:
        self._stored.extend(rows)
        self._waiting[:0] = behind
        self._wake.set()

    async def _write(self, rows: Sequence[JournalRow]) -> None:
        while rows := [row for row in rows if not row.append.abandoned]:
            begun = time.perf_counter()
            try:
                lost = await self._commit_surely(rows)
            except HeddleError as error:
                _log.warning("%d runs wait for the journal: %s", len(rows), error)
                await asyncio.sleep(_REST_SECONDS)
                continue
            except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
                await self._narrow(rows, error)
                return
            seconds = time.perf_counter() - begun
            lost_appends = {rows[place - 1].append for place in lost}
            for row in rows:
                if row.last:
                    verdict = Verdict.LOST if row.append in lost_appends else Verdict.TAKEN
                    settle(row.append, verdict, "")
            if self._on_commit is not None:
                self._on_commit(
                    CommittedGroup(
                        appends=[row.append for row in rows],
                        lost=lost,
                        size=sum(len(row.payload) for row in rows),
                        seconds=seconds,
                    )
                )
            return

    async def _commit_surely(self, rows: Sequence[JournalRow]) -> set[int]:
        try:
            return await self._commit(rows)
        except HeddleError as error:
            _log.warning("a group commit is tried again: %s", error)
            return await retrying(STORE, lambda: self._commit(rows))

    async def _narrow(self, rows: Sequence[JournalRow], error: Exception) -> None:
        appends = list(dict.fromkeys(row.append for row in rows))
        if len(appends) == 1:
            _log.error("the journal refused run %s: %s", rows[0].append.run_id, error)
            settle(rows[0].append, Verdict.REFUSED, f"{type(error).__name__}: {error}")
            return
        first = set(appends[: len(appends) // 2])
        await self._write([row for row in rows if row.append in first])
        await self._write([row for row in rows if row.append not in first])

    async def _commit(self, rows: Sequence[JournalRow]) -> set[int]:
        statement, columns = commit_of(rows)
        with told():
            async with self._held.using() as connection:
                lost: list[int] = await connection.fetchval(statement, self._worker, *columns)
        return set(lost)


def _run_of(row: JournalRow) -> int:
    return row.append.run_id.int
