"""What a layer is: it looks on while runs go their way, and may have a word.

A guard is asked before something begins, an observer is told what was committed. Neither is asked
or told anything while a journal is folded: what a layer ordered stands in the journal.
"""

from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from services.engine.domain.events.journal import (
    EffectDispatched,
    JournalEvent,
    NodeStarted,
    RunStarted,
)
from services.engine.domain.graph.node_labels import NodeLabel
from services.engine.domain.variables.record import record
from services.engine.domain.variables.secret_mask import SecretMask


@record
class FailRun:
    """End the run as failed. `error` is shown to its callers."""

    error: str


@record
class StopRun:
    """Stop the run, as an abort does. `reason` is shown to its callers."""

    reason: str


Order = FailRun | StopRun
Beginning = NodeStarted | EffectDispatched


class RunView(Protocol):
    """What a layer may see of a run, to read only: the run as it is now.

    `started` is None before the first event. `steps` counts node executions, `exceptions` failures
    (handled ones and retried attempts too), `model_tokens` the tokens of answered model calls.
    """

    @property
    def started(self) -> RunStarted | None: ...
    @property
    def steps(self) -> int: ...
    @property
    def exceptions(self) -> int: ...
    @property
    def model_tokens(self) -> int: ...


class Guard(Protocol):
    """One for all runs, and keeps nothing of any: it knows the event and the view alone."""

    @property
    def name(self) -> str:
        """What errors, logs and metrics call it."""
        ...

    @property
    def watches(self) -> Collection[type[Beginning]]:
        """The kinds of events it is asked before."""
        ...

    def judge(self, event: Beginning, run: RunView) -> Order | None:
        """Whether `event` may happen. With an order it does not: the order is journalled in its
        place. Whatever this raises ends the run as failed."""
        ...


@record
class ObservedRun:
    """A run under one claim. `scope` begins the keys of its effects, `mask` hides its secrets and
    is None where it has none, `traceparent` is the trace it was accepted in, `takeovers` counts the
    workers that died with it."""

    tenant_id: UUID
    run_id: UUID
    app_id: UUID
    workflow_hash: str
    scope: str
    epoch: int
    takeovers: int
    traceparent: str | None
    labels: Mapping[str, NodeLabel]
    mask: SecretMask | None


class Listener(Protocol):
    """An observer's ear for one run under one claim."""

    @property
    def hears(self) -> Collection[type[JournalEvent]]:
        """The kinds of events it is told."""
        ...

    def hear(self, seq: int, event: JournalEvent, run: RunView) -> Order | None:
        """Event `seq` is committed; `run` may be further. An order is journalled by the next
        commit; one that its worker dies with is lost. Must not block. What it raises is counted
        and logged, and then it hears nothing more of this run."""
        ...


class Observer(Protocol):
    @property
    def name(self) -> str:
        """What logs and metrics call it."""
        ...

    def listener(self, run: ObservedRun) -> Listener | None:
        """None: it has no interest in this run, which then costs nothing."""
        ...
