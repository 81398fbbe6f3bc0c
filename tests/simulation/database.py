"""The one database of a round: the stores in memory, and the group commit over them."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
from pydantic import Field, TypeAdapter

from libs.common.contracts.run_commands import TERMINAL_STATUSES, RunCommand, RunEnded
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import DatabaseAway
from services.engine.app.ports.engine_stores import EngineStores
from services.engine.app.ports.journal_store import Entry
from services.engine.infra.in_memory.command_store import InMemoryCommandStore
from services.engine.infra.in_memory.conversation_store import InMemoryConversationStore
from services.engine.infra.in_memory.engine_state import EngineState, RunRow
from services.engine.infra.in_memory.form_store import InMemoryFormStore
from services.engine.infra.in_memory.journal_store import InMemoryJournal
from services.engine.infra.in_memory.parking_store import InMemoryParkingStore
from services.engine.infra.in_memory.run_store import InMemoryRunStore
from services.engine.infra.in_memory.snapshot_store import InMemorySnapshotStore
from services.engine.infra.in_memory.worker_leases import InMemoryWorkerLeases
from services.engine.infra.in_memory.workflow_store import InMemoryWorkflowStore
from services.engine.infra.journal_codec import decode
from services.engine.infra.postgres.journal_store import GroupCommitter
from tests.simulation.audit import Audit
from tests.simulation.network import Network, RemoteStore
from tests.simulation.world import Process, StoreClock

_COMMANDS: TypeAdapter[RunCommand] = TypeAdapter(Annotated[RunCommand, Field(discriminator="kind")])
_Told = tuple[int, UUID, UUID, str, bytes]
"""The place of its row, the run that is told, the command's id, kind and body."""
_CLAIMS = frozenset({"claim_queued", "claim_orphaned"})


class Database:
    """What all workers of a round share. `on_end` hears of each committed end."""

    def __init__(self, network: Network, audit: Audit, on_end: Callable[[RunEnded], None]) -> None:
        self.state = EngineState(StoreClock(network.world))
        self._network = network
        self._audit = audit
        self._on_end = on_end
        self._batches: dict[tuple[UUID, int], int] = {}

    def stores_for(self, process: Process, worker: UUID) -> tuple[EngineStores, GroupCommitter]:
        """The stores as one worker reaches them; its committer has still to be run."""
        state, network = self.state, self._network

        def remote(store: object, once: frozenset[str] = frozenset()) -> Any:
            return RemoteStore(store, network, process, _away, once=once)

        pool = cast("Pool", _Pool(self, network, process))
        committer = GroupCommitter(pool, worker)
        stores = EngineStores(
            runs=remote(InMemoryRunStore(state), _CLAIMS),
            commands=remote(InMemoryCommandStore(state)),
            leases=remote(InMemoryWorkerLeases(state), frozenset({"beat"})),
            workflows=remote(InMemoryWorkflowStore(state)),
            reader=remote(InMemoryJournal(state, worker)),
            writer=committer,
            snapshots=remote(InMemorySnapshotStore(state)),
            conversations=remote(InMemoryConversationStore(state)),
            parking=remote(InMemoryParkingStore(state)),
            forms=remote(InMemoryFormStore(state)),
        )
        return stores, committer

    def commit_batch(
        self,
        worker: UUID,
        tenants_text: str,
        runs_text: str,
        epochs_text: str,
        firsts_text: str,
        _lasts: str,
        batches_text: str,
        payloads: Sequence[bytes],
        progressed_text: str = "{}",
        ends_text: str = "{}",
        statuses: Sequence[str] = (),
        outcomes: Sequence[bytes] = (),
        _messages: Sequence[UUID] = (),
        _subject: str = "",
        *beside: Sequence[Any],
    ) -> list[int]:
        """As the function of the migration, whose rules have tests of their own over Postgres."""
        lost: set[int] = set()
        tenants = [UUID(each) for each in _elements(tenants_text)]
        keys = [*zip(tenants, map(UUID, _elements(runs_text)), strict=True)]
        epochs, firsts, batches = (
            [int(each) for each in _elements(text)]
            for text in (epochs_text, firsts_text, batches_text)
        )
        for place, key in enumerate(keys):
            row, at = self.state.runs.get(key), (key[1], firsts[place])
            holds = row is not None and _is_held(row, worker, epochs[place])
            if row is not None and holds and at not in self._batches:
                self._batches[at] = batches[place]
                events = decode(payloads[place])
                row.journal.append([Entry(*pair) for pair in enumerate(events, firsts[place])])
                self._audit.committed(key[1], worker, epochs[place], row.journal[-1])
            elif self._batches.get(at) != batches[place]:
                lost.add(place + 1)
        progressed, ends = (
            [int(each) for each in _elements(text)] for text in (progressed_text, ends_text)
        )
        for place in set(progressed) - lost:
            row = self.state.runs[keys[place - 1]]
            if row.epoch == epochs[place - 1]:
                row.takeovers = 0
        for place, status, outcome in zip(ends, statuses, outcomes, strict=True):
            row = self.state.runs[keys[place - 1]]
            if place not in lost and (row.epoch, row.status) == (epochs[place - 1], "running"):
                ended = RunEnded.model_validate_json(outcome)
                assert ended.status == status
                self.state.end(row, ended)
                self._on_end(ended)
        # Changes to variables, which no run here makes, and then commands to other runs.
        commands = cast("Iterable[_Told]", zip(*beside[5:], strict=True))
        for place, target, _, _, body in commands:
            told = self.state.runs.get((tenants[place - 1], target))
            if place not in lost and told is not None and told.status not in TERMINAL_STATUSES:
                told.put_command(_COMMANDS.validate_json(body))
        return sorted(lost)


def _elements(array: str) -> list[str]:
    """Of an array as Postgres writes it."""
    return array[1:-1].split(",") if array != "{}" else []


def _is_held(row: RunRow, worker: UUID, epoch: int) -> bool:
    return (row.owner, row.epoch, row.status) == (worker, epoch, "running")


def _away() -> DatabaseAway:
    return DatabaseAway("The database does not answer.")


class _Pool:
    """As much of a pool as a group committer uses."""

    def __init__(self, database: Database, network: Network, process: Process) -> None:
        self._database = database
        self._network = network
        self._process = process

    async def acquire(self) -> "_Pool":
        return self

    async def release(self, connection: object, *, timeout: float) -> None:
        await asyncio.sleep(0)

    async def fetchval(self, _statement: str, *arguments: Any) -> list[int]:
        return await self._network.ask_store(
            self._process, lambda: self._database.commit_batch(*arguments), _broken
        )


def _broken() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
