"""What a run knows of a node that has begun and not ended."""

from dataclasses import field
from typing import Literal

from services.engine.domain.events.journal import EffectDispatched, EffectFailed
from services.engine.domain.node_parts.frames import FrameFailure
from services.engine.domain.variables.record import changed, mutable_record, record
from services.engine.domain.variables.values import Missing, Value

NodePlace = tuple[str, int]
"""The path of a frame and a node's number in it."""


@mutable_record
class Rounds:
    """What a run knows of a container under way. Rounds 0 to `started` - 1 began, `running` of them
    have not ended; `outputs`, `failures` and `seconds` are by index of those that have. `over`: a
    node inside ended the loop."""

    container: Literal["iteration", "loop"]
    length: int
    items: list[Value] | None
    output: list[str] | None
    started: int = 0
    running: int = 0
    over: bool = False
    total_tokens: int = 0
    outputs: dict[int, Value] = field(default_factory=dict[int, Value])
    failures: dict[int, FrameFailure] = field(default_factory=dict[int, FrameFailure])
    seconds: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def done(self) -> int:
        return self.started - self.running

    def snapshot(self) -> "Rounds":
        """The same at this moment, which later changes leave alone."""
        return changed(
            self,
            outputs={**self.outputs},
            failures={**self.failures},
            seconds={**self.seconds},
        )


@record
class Before:
    """What a variable held, or, where it was not `known`, that there was none."""

    scope: str
    name: str
    known: bool
    value: Value


@mutable_record
class NodeProgress:
    """`attempt` counts from 0. `dispatched`, `results` and `failures` are those of the present
    attempt, by key, and `before` the variables that have changed since it began. `retry_due` is the
    instant of the next attempt while one is waited for."""

    node: int
    node_id: str
    index: int
    predecessor: str | None
    started_at: float
    frame: str = ""
    attempt: int = 0
    retry_due: float | None = None
    dispatched: dict[str, EffectDispatched] = field(default_factory=dict[str, EffectDispatched])
    results: dict[str, Value] = field(default_factory=dict[str, Value])
    failures: dict[str, EffectFailed] = field(default_factory=dict[str, EffectFailed])
    rounds: Rounds | None = None
    before: tuple[Before, ...] = ()

    @property
    def place(self) -> "NodePlace":
        return self.frame, self.node

    @property
    def unanswered(self) -> bool:
        """Whether an effect of the present attempt is under way."""
        return self.retry_due is None and any(not self.answered(key) for key in self.dispatched)

    def open_keys(self) -> list[str]:
        """The effects of the present attempt that are under way. Before a retry nobody waits for
        what the last attempt asked."""
        if self.retry_due is not None:
            return []
        return [key for key in self.dispatched if not self.answered(key)]

    @property
    def retry_timer(self) -> str:
        """The id of the timer that the next attempt waits for."""
        frame = f":{self.frame}" if self.frame else ""
        return f"retry:{self.node_id}:{self.attempt}{frame}"

    def is_call(self, key: str) -> bool:
        """Whether another service performs the effect."""
        return self.dispatched[key].effect_class not in {"timer", "human", "child"}

    def answered(self, key: str) -> bool:
        """Whether the effect has ended."""
        return key in self.results or key in self.failures

    def remember(self, scope: str, name: str, value: Value | Missing) -> None:
        """What the variable held until now; of several changes the first one counts."""
        if any((each.scope, each.name) == (scope, name) for each in self.before):
            return
        known = not isinstance(value, Missing)
        kept = None if isinstance(value, Missing) else value
        self.before += (Before(scope=scope, name=name, known=known, value=kept),)

    def snapshot(self) -> "NodeProgress":
        """The same at this moment, which later changes leave alone."""
        return changed(
            self,
            dispatched={**self.dispatched},
            results={**self.results},
            failures={**self.failures},
            rounds=None if self.rounds is None else self.rounds.snapshot(),
        )

    def next_attempt(self, attempt: int) -> None:
        """Begin again; keys carry the attempt, so nothing old fits any more."""
        self.attempt = attempt
        self.retry_due = None
        self.dispatched.clear()
        self.results.clear()
        self.failures.clear()
        self.before = ()
        self.rounds = None
