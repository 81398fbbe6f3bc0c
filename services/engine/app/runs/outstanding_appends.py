"""What a run has said that is not durable yet."""

from collections.abc import Callable, Iterator
from dataclasses import field
from itertools import chain

from services.engine.app.ports.journal_store import (
    Append,
    JournalWriter,
    VariableChange,
    Verdict,
)
from services.engine.app.ports.run_store import Claim
from services.engine.domain.events.journal import VariableUpdated
from services.engine.domain.execution.step import Step
from services.engine.domain.variables.record import entity
from services.engine.domain.variables.selectors import CONVERSATION


@entity
class Outstanding:
    """An append with the steps that must wait for it before the world hears of them."""

    append: Append
    steps: list[Step] = field(default_factory=list[Step])

    def add(self, seq: int, step: Step) -> None:
        """A step whose first event is number `seq`; its conversation keeps what it changes."""
        append = self.append
        append.events.extend(step.events)
        self.steps.append(step)
        if append.conversation_id is None:
            return
        for place, event in enumerate(step.events, seq):
            if isinstance(event, VariableUpdated) and event.selector[0] == CONVERSATION:
                changes = append.changes = append.changes or {}
                changes[event.selector[1]] = VariableChange(place, event.value)


class OutstandingAppends:
    """The appends of one run under one claim. They are settled in the order they were opened;
    `settled` hears of each."""

    __slots__ = ("_claim", "_journal", "_secret", "_settled", "_waiting")

    def __init__(
        self,
        claim: Claim,
        journal: JournalWriter,
        settled: Callable[[Append, Verdict, str], None],
    ) -> None:
        self._claim = claim
        self._secret = claim.request.has_secrets
        self._journal = journal
        self._settled = settled
        self._waiting: list[Outstanding] = []

    @property
    def newest(self) -> Outstanding | None:
        """None: everything said so far is durable."""
        return self._waiting[-1] if self._waiting else None

    @property
    def steps(self) -> Iterator[Step]:
        """The steps that wait, the oldest first."""
        return chain.from_iterable(waiting.steps for waiting in self._waiting)

    @property
    def steps_waiting(self) -> int:
        return sum(len(waiting.steps) for waiting in self._waiting)

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
            secret=self._secret,
            conversation_id=self._claim.request.remembers,
            settled=self._settled,
        )
        opened = Outstanding(append=append)
        self._waiting.append(opened)
        self._journal.submit(append)
        return opened

    def take_off(self, append: Append) -> Outstanding:
        """The oldest, which must be that of `append`."""
        oldest = self._waiting.pop(0)
        if oldest.append is not append:
            raise RuntimeError("appends of a run were settled out of their order")
        return oldest

    def abandon(self) -> None:
        """Nobody waits for them any more."""
        for waiting in self._waiting:
            waiting.append.abandoned = True
