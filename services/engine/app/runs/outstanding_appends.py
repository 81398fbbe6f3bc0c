"""What a run has said that is not durable yet."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from services.engine.app.ports.journal_store import (
    Append,
    JournalWriter,
    VariableChange,
    Verdict,
)
from services.engine.app.ports.run_store import Claim
from services.engine.domain.events.journal import VariableUpdated
from services.engine.domain.execution.public_events import ToldEvent
from services.engine.domain.execution.step import Step
from services.engine.domain.variables.selectors import CONVERSATION


@dataclass(slots=True, eq=False)
class Outstanding:
    """An append with what must wait for it: for each step its public events, the number of the
    newest one, and the step itself for its deltas, dispatches and cancels."""

    append: Append
    steps: list[tuple[list[ToldEvent], int, Step]] = field(
        default_factory=list[tuple[list[ToldEvent], int, Step]]
    )

    def note(self, seq: int, update: VariableUpdated) -> None:
        """Event `seq` of the append; its conversation keeps what it changes."""
        scope, name = update.selector
        if scope == CONVERSATION and self.append.conversation_id is not None:
            changes = self.append.changes = self.append.changes or {}
            changes[name] = VariableChange(seq, update.value)


class OutstandingAppends:
    """The appends of one run under one claim. They are settled in the order they were opened;
    `settled` hears of each."""

    __slots__ = ("_claim", "_journal", "_settled", "_waiting")

    def __init__(
        self,
        claim: Claim,
        journal: JournalWriter,
        settled: Callable[[Append, Verdict, str], None],
    ) -> None:
        self._claim = claim
        self._journal = journal
        self._settled = settled
        self._waiting: deque[Outstanding] = deque()

    @property
    def newest(self) -> Outstanding | None:
        """None: everything said so far is durable."""
        return self._waiting[-1] if self._waiting else None

    def open_at(self, seq: int) -> Outstanding:
        """The append for event `seq`: the newest while it may still grow, else one more."""
        newest = self._waiting[-1] if self._waiting else None
        if newest is not None and not newest.append.sealed:
            return newest
        append = Append(
            tenant_id=self._claim.tenant_id,
            run_id=self._claim.run_id,
            epoch=self._claim.epoch,
            first_seq=seq,
            secret=self._claim.request.has_secrets,
            conversation_id=self._claim.request.remembers,
            settled=self._settled,
        )
        opened = Outstanding(append)
        self._waiting.append(opened)
        self._journal.submit(append)
        return opened

    def take_off(self, append: Append) -> Outstanding:
        """The oldest, which must be that of `append`."""
        oldest = self._waiting.popleft()
        if oldest.append is not append:
            raise RuntimeError("appends of a run were settled out of their order")
        return oldest

    def abandon(self) -> None:
        """Nobody waits for them any more."""
        for waiting in self._waiting:
            waiting.append.abandoned = True
