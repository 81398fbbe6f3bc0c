"""Journals in memory, written one group a turn of the loop."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.run_commands import TERMINAL_STATUSES
from services.engine.app.errors import JournalRefused
from services.engine.app.ports.journal_store import Append, Entry, Verdict
from services.engine.domain.events.journal import JournalEvent
from services.engine.infra.in_memory.engine_state import EngineState, RunRow
from services.engine.infra.journal_codec import (
    decode,
    decode_value,
    encode_rows,
    encode_value,
)


class InMemoryJournal:
    """Implements JournalWriter and JournalReader. `run` is the writer; `groups` counts commits.

    `gate` holds every commit while it is clear, as a slow or absent store would.
    """

    def __init__(self, state: EngineState, worker: UUID) -> None:
        self._state = state
        self._worker = worker
        self._waiting: list[Append] = []
        self._wake = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.groups = 0

    def submit(self, append: Append) -> None:
        self._waiting.append(append)
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            for append in waiting:
                append.sealed = True
            await self.gate.wait()
            self.groups += 1
            verdicts = [(append, *self._commit(append)) for append in waiting]
            for append, verdict, reason in verdicts:
                if not append.abandoned:
                    append.settled(append, verdict, reason)

    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[Entry]:
        return [entry for row in self._rows(tenant_id, run_id) for entry in row]

    async def after(
        self, tenant_id: UUID, run_id: UUID, *, place: int, rows: int
    ) -> Sequence[Entry]:
        found = [row for row in self._rows(tenant_id, run_id) if row[-1].seq > place]
        return [entry for row in found[:rows] for entry in row if entry.seq > place]

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, before: int | None, rows: int
    ) -> Sequence[tuple[int, type[JournalEvent]]]:
        found = [
            row for row in self._rows(tenant_id, run_id) if before is None or row[0].seq < before
        ]
        return [(entry.seq, type(entry.event)) for row in found[-rows:] for entry in row]

    def row_of(self, tenant_id: UUID, run_id: UUID) -> RunRow:
        """The run's row, for tests that tamper with it."""
        return self._state.runs[tenant_id, run_id]

    def _rows(self, tenant_id: UUID, run_id: UUID) -> list[list[Entry]]:
        row = self._state.runs.get((tenant_id, run_id))
        return row.journal if row is not None else []

    def _commit(self, append: Append) -> tuple[Verdict, str]:
        if append.abandoned:
            return Verdict.LOST, ""
        row = self._state.runs.get((append.tenant_id, append.run_id))
        if row is None or (row.owner, row.epoch, row.status) != (
            self._worker,
            append.epoch,
            "running",
        ):
            return Verdict.LOST, ""
        if any(stored[0].seq == append.first_seq for stored in row.journal):
            return Verdict.LOST, ""
        try:
            # Through the codec: what cannot be stored for real cannot be stored here.
            encoded = [row for _, row in encode_rows(append.events)]
            rows = [decode(row) for row in encoded]
        except JournalRefused as error:
            return Verdict.UNFIT, error.message
        append.size = sum(map(len, encoded))
        seq = append.first_seq
        for events in rows:
            row.journal.append([Entry(*pair) for pair in enumerate(events, seq)])
            seq += len(events)
        self._keep_variables(append)
        if append.progressed:
            row.takeovers = 0
        if append.ending is not None:
            self._state.end(row, append.ending)
        for command in append.told:
            told = self._state.runs.get((command.tenant_id, command.run_id))
            if told is not None and told.status not in TERMINAL_STATUSES:
                told.put_command(command)
        return Verdict.TAKEN, ""

    def _keep_variables(self, append: Append) -> None:
        if append.conversation_id is None or not append.changes:
            return
        for name, (seq, value) in append.changes.items():
            self._state.keep_variable(
                append.tenant_id,
                append.conversation_id,
                name,
                decode_value(encode_value(value)),
                run_id=append.run_id,
                seq=seq,
            )
