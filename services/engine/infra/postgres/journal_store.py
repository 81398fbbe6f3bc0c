"""The group commit: one writer, one statement in flight, all runs of the worker in it."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from libs.common.contracts.subjects import RUN_ENDED
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import is_transient
from libs.common.errors import HeddleError, PlatformFault
from libs.common.identifiers import uuid7
from libs.common.retry_policy import STORE
from libs.common.retrying import retrying
from libs.common.run_sealing import RunSealing, required
from services.engine.app.errors import JournalTooLarge
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.domain.variables.record import record
from services.engine.infra.journal_codec import encode_rows, journal_place
from services.engine.infra.postgres.statements import told

_log = logging.getLogger(__name__)

_COMMIT = """
SELECT engine.commit_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"""
_BATCH_ID_BITS = 63
_REST_SECONDS = 0.5


@record
class _Row:
    """An append ready to be sent, or a part of one that is too large for one row; `last` with its
    last part. `batch_id` lets a repeat recognise its own row."""

    append: Append
    payload: bytes
    first_seq: int
    last_seq: int
    last: bool
    batch_id: int
    message_id: UUID | None
    outcome: bytes | None


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
    None: appends of runs with secrets are refused.
    """

    def __init__(
        self,
        pool: Pool,
        worker: UUID,
        *,
        sealing: RunSealing | None = None,
        on_commit: Callable[[CommittedGroup], None] | None = None,
    ) -> None:
        self._pool = pool
        self._worker = worker
        self._sealing = sealing
        self._on_commit = on_commit
        self._waiting: list[Append] = []
        self._wake = asyncio.Event()
        self._connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | None = None

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
                rows = [row for each in waiting for row in _sealed(each, self._sealing)]
                if rows:
                    # Every worker locks runs in this order, so that none waits in a circle.
                    rows.sort(key=_run_of)
                    await self._write(rows)
        finally:
            await self._give_back()

    async def _write(self, rows: Sequence[_Row]) -> None:
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
            if self._on_commit is not None:
                self._on_commit(
                    CommittedGroup(
                        appends=[row.append for row in rows],
                        lost=lost,
                        size=sum(len(row.payload) for row in rows),
                        seconds=time.perf_counter() - begun,
                    )
                )
            lost_appends = {rows[place - 1].append for place in lost}
            for row in rows:
                if row.last:
                    verdict = Verdict.LOST if row.append in lost_appends else Verdict.TAKEN
                    _settle(row.append, verdict, "")
            return

    async def _commit_surely(self, rows: Sequence[_Row]) -> set[int]:
        try:
            return await self._commit(rows)
        except HeddleError as error:
            _log.warning("a group commit is tried again: %s", error)
            return await retrying(STORE, lambda: self._commit(rows))

    async def _narrow(self, rows: Sequence[_Row], error: Exception) -> None:
        appends = list(dict.fromkeys(row.append for row in rows))
        if len(appends) == 1:
            _log.error("the journal refused run %s: %s", rows[0].append.run_id, error)
            _settle(rows[0].append, Verdict.REFUSED, f"{type(error).__name__}: {error}")
            return
        first = set(appends[: len(appends) // 2])
        await self._write([row for row in rows if row.append in first])
        await self._write([row for row in rows if row.append not in first])

    async def _commit(self, rows: Sequence[_Row]) -> set[int]:
        ends = [(place, row) for place, row in enumerate(rows, 1) if row.outcome is not None]
        with told():
            try:
                connection = await self._held()
                lost: list[int] = await connection.fetchval(
                    _COMMIT,
                    self._worker,
                    [row.append.tenant_id for row in rows],
                    [row.append.run_id for row in rows],
                    [row.append.epoch for row in rows],
                    [row.first_seq for row in rows],
                    [row.last_seq for row in rows],
                    [row.batch_id for row in rows],
                    [row.payload for row in rows],
                    [
                        place
                        for place, row in enumerate(rows, 1)
                        if row.append.progressed and row.last
                    ],
                    [place for place, _ in ends],
                    [row.append.ending.status for _, row in ends if row.append.ending],
                    [row.outcome for _, row in ends],
                    [row.message_id for _, row in ends],
                    RUN_ENDED.name,
                )
            except BaseException as error:
                if not isinstance(error, asyncpg.PostgresError) or is_transient(error):
                    await self._give_back()
                raise
        return set(lost)

    async def _held(self) -> "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]":
        # Kept: giving a connection back costs a round trip to reset it.
        if self._connection is None:
            self._connection = await self._pool.acquire()
        return self._connection

    async def _give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._pool.release(connection, timeout=1.0)


def _sealed(append: Append, sealing: RunSealing | None) -> list[_Row]:
    """Close the append for more and encode it; none where it is settled or unwanted already."""
    append.sealed = True
    if append.abandoned:
        return []
    try:
        encoded = encode_rows(append.events)
        rows: list[_Row] = []
        seq = append.first_seq
        for count, payload in encoded:
            rows.append(_row(append, payload, seq, count, sealing))
            seq += count
    except JournalTooLarge as error:
        _settle(append, Verdict.TOO_LARGE, error.message)
        return []
    except PlatformFault as error:
        _settle(append, Verdict.REFUSED, error.message)
        return []
    return rows


def _row(
    append: Append, payload: bytes, first_seq: int, count: int, sealing: RunSealing | None
) -> _Row:
    if append.secret:
        payload = required(sealing).seal(
            payload,
            tenant_id=append.tenant_id,
            run_id=append.run_id,
            place=journal_place(first_seq),
        )
    last = first_seq + count == append.first_seq + len(append.events)
    ending = append.ending if last else None
    return _Row(
        append=append,
        payload=payload,
        first_seq=first_seq,
        last_seq=first_seq + count - 1,
        last=last,
        batch_id=random.getrandbits(_BATCH_ID_BITS),
        message_id=uuid7() if ending else None,
        outcome=ending.model_dump_json().encode() if ending else None,
    )


def _run_of(row: _Row) -> int:
    return row.append.run_id.int


def _settle(append: Append, verdict: Verdict, reason: str) -> None:
    if not append.abandoned:
        append.settled(append, verdict, reason)
