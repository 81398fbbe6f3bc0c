"""What became of an effect, for those who count."""

from services.engine.app.effects.effect_sink import EffectSink
from services.engine.domain.node_parts.effects import EffectError, EffectResult


class NotedSink:
    """Implements EffectSink: tells `sink` everything and keeps the outcome. `left`: nothing was
    heard, because the run let go of the call."""

    __slots__ = ("_sink", "outcome", "parts")

    def __init__(self, sink: EffectSink) -> None:
        self._sink = sink
        # Handed on as it is: it is called for every piece of text.
        self.parts = sink.parts
        self.outcome = "left"

    def complete(self, key: str, result: EffectResult) -> None:
        self.outcome = "completed"
        self._sink.complete(key, result)

    def fail(self, key: str, error: EffectError, *, definite: bool) -> None:
        self.outcome = "failed" if definite else "unknown"
        self._sink.fail(key, error, definite=definite)

    def superseded(self, reason: str) -> None:
        self.outcome = "superseded"
        self._sink.superseded(reason)
