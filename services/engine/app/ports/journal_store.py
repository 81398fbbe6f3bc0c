"""The journal: written in groups, read from its start."""

from collections.abc import Callable, Sequence
from dataclasses import field
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from libs.common.contracts.run_commands import RunCommand, RunEnded
from services.engine.domain.events.journal import JournalEvent
from services.engine.domain.variables.record import entity
from services.engine.domain.variables.values import Value


class Verdict(Enum):
    """What became of an append. LOST: the run has another owner or state; UNFIT: one event is too
    large or holds what cannot be written, so the run has to end; REFUSED: the store will not take
    it, whoever tries, for a reason that is not the run's."""

    TAKEN = "taken"
    LOST = "lost"
    UNFIT = "unfit"
    REFUSED = "refused"


class VariableChange(NamedTuple):
    """The event numbered `seq` gave the variable `value`."""

    seq: int
    value: Value


@entity
class Append:
    """What one run wants durable next, all of it or nothing.

    Its owner may go on adding to `events` until the writer sets `sealed`, and sets `abandoned` when
    it no longer wants it. `settled` is called once, from the loop, unless it was abandoned.
    `secret`: the run has secrets, so it is stored under the run's seal. The writer sets `size`, in
    bytes of encoded events, before it settles an append as TAKEN.

    `told` are commands to other runs, stored with its events or not at all; a run that has ended or
    was never accepted gets none.

    `changes` are the variables of `conversation_id` that its events change, by name, and are stored
    with them or not at all; again under the same event they change nothing.
    """

    tenant_id: UUID
    run_id: UUID
    epoch: int
    first_seq: int
    settled: Callable[["Append", Verdict, str], None]
    events: list[JournalEvent] = field(default_factory=list[JournalEvent])
    secret: bool = False
    progressed: bool = False
    ending: RunEnded | None = None
    told: list[RunCommand] = field(default_factory=list[RunCommand])
    conversation_id: UUID | None = None
    changes: dict[str, VariableChange] | None = None
    size: int = 0
    sealed: bool = False
    abandoned: bool = False


class JournalWriter(Protocol):
    def submit(self, append: Append) -> None:
        """Have `append` written with the next group. Appends of a run go in the order given."""
        ...


class Entry(NamedTuple):
    """An event at its place in the journal."""

    seq: int
    event: JournalEvent


class JournalReader(Protocol):
    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[Entry]:
        """The whole journal, in order. Raises JournalUnreadable."""
        ...

    async def after(
        self, tenant_id: UUID, run_id: UUID, *, place: int, rows: int
    ) -> Sequence[Entry]:
        """The events above `place`, in order, of the next `rows` rows that hold any, or of fewer
        where rows are large; empty at the end. Raises JournalUnreadable."""
        ...

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, before: int | None, rows: int
    ) -> Sequence[tuple[int, type[JournalEvent]]]:
        """What the events are, by number, of the last `rows` rows that start below `before` (None:
        of all), in order. Raises JournalUnreadable."""
        ...
