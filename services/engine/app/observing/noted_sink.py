"""What became of an effect, for those who count."""

import time

from services.engine.app.effects.effect_sink import EffectSink
from services.engine.domain.node_parts.effects import EffectError, EffectResult


class NotedSink:
    """Implements EffectSink: tells `sink` everything and keeps the outcome, with the seconds to it.
    `left`: nothing was heard, because the run let go of the call."""

    __slots__ = ("_begun", "_seconds", "_sink", "outcome", "parts")

    def __init__(self, sink: EffectSink) -> None:
        self._sink = sink
        # Handed on as it is: it is called for every piece of text.
        self.parts = sink.parts
        self.outcome = "left"
        self._begun = time.perf_counter()
        self._seconds: float | None = None

    @property
    def seconds(self) -> float:
        """To the outcome, else until now. What the run makes of it is not the effect's time."""
        return time.perf_counter() - self._begun if self._seconds is None else self._seconds

    def complete(self, key: str, result: EffectResult) -> None:
        self._note("completed")
        self._sink.complete(key, result)

    def fail(self, key: str, error: EffectError, *, definite: bool) -> None:
        self._note("failed" if definite else "unknown")
        self._sink.fail(key, error, definite=definite)

    def superseded(self, reason: str) -> None:
        self._note("superseded")
        self._sink.superseded(reason)

    def _note(self, outcome: str) -> None:
        self._seconds = time.perf_counter() - self._begun
        self.outcome = outcome
