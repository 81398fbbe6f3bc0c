"""What a run knows of a node that has begun and not ended."""

from dataclasses import field, replace

from services.engine.domain.events.journal import EffectDispatched, EffectFailed
from services.engine.domain.variables.record import mutable_record
from services.engine.domain.variables.values import Value


@mutable_record
class NodeProgress:
    """`attempt` counts from 0. `dispatched`, `results` and `failures` are those of the present
    attempt, by key. `retry_due` is the instant of the next attempt while one is waited for."""

    node: int
    node_id: str
    index: int
    predecessor: str | None
    started_at: float
    attempt: int = 0
    retry_due: float | None = None
    dispatched: dict[str, EffectDispatched] = field(default_factory=dict[str, EffectDispatched])
    results: dict[str, Value] = field(default_factory=dict[str, Value])
    failures: dict[str, EffectFailed] = field(default_factory=dict[str, EffectFailed])

    def answered(self, key: str) -> bool:
        """Whether the effect has ended."""
        return key in self.results or key in self.failures

    def snapshot(self) -> "NodeProgress":
        """The same at this moment, which later changes leave alone."""
        return replace(
            self,
            dispatched={**self.dispatched},
            results={**self.results},
            failures={**self.failures},
        )

    def next_attempt(self, attempt: int) -> None:
        """Begin again; keys carry the attempt, so nothing old fits any more."""
        self.attempt = attempt
        self.retry_due = None
        self.dispatched.clear()
        self.results.clear()
        self.failures.clear()
