"""Effects with their span, their outcome and how long they took."""

from collections.abc import Callable

from libs.common.clock import Clock
from libs.common.messaging.bus import MessageBus
from libs.common.tracing import AttributeValue, Span, enter_trace, leave_trace, span
from services.engine.app.effects.dispatch_effect import EffectDispatcher, ReadyQuestion
from services.engine.app.effects.effect_sink import EffectSink
from services.engine.app.observing.noted_sink import NotedSink
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.effect_keys import run_scope
from services.engine.domain.execution.step import Dispatch
from services.engine.domain.layers.tracing import span_places
from services.engine.domain.node_parts.effects import (
    CallModel,
    CallTool,
    EffectRequest,
    FetchHttp,
    ReadDocument,
    RunCode,
    RunCommand,
)

_KINDS: dict[type[EffectRequest], str] = {
    CallModel: "model",
    RunCode: "code",
    FetchHttp: "http",
    CallTool: "tool",
    ReadDocument: "document",
    RunCommand: "command",
}
_ERRORS = frozenset({"failed", "unknown"})


OnEffect = Callable[[str, str, float], None]
"""Hears kind, outcome and seconds of every effect."""


def uncounted(_kind: str, _outcome: str, _seconds: float) -> None:
    """Nobody counts."""


class ObservedEffects(EffectDispatcher):
    """An EffectDispatcher whose effects are spans of their node, and counted."""

    def __init__(
        self,
        bus: MessageBus,
        *,
        clock: Clock,
        may_send: Callable[[], bool],
        on_effect: OnEffect = uncounted,
    ) -> None:
        super().__init__(bus, clock=clock, may_send=may_send)
        self._on_effect = on_effect

    async def _sent(
        self, claim: Claim, dispatch: Dispatch, ready: ReadyQuestion, sink: EffectSink
    ) -> None:
        kind = _KINDS.get(type(dispatch.request), "other")
        accepted = claim.request.traceparent
        places = span_places(run_scope(claim.tenant_id, claim.run_id), accepted)
        parent = accepted if places is None else places.of_effect(dispatch.key)
        token = None if parent is None else enter_trace(parent)
        try:
            with span(f"effect {kind}") as opened:
                if opened is not None:
                    opened.attributes |= _attributes(claim, dispatch, kind)
                noted = NotedSink(sink)
                try:
                    await super()._sent(claim, dispatch, ready, noted)
                finally:
                    _end(opened, noted)
                    self._on_effect(kind, noted.outcome, noted.seconds)
        finally:
            if token is not None:
                leave_trace(token)


def _end(opened: Span | None, noted: NotedSink) -> None:
    if opened is not None:
        opened.attributes["heddle.effect.outcome"] = noted.outcome
        failed = noted.outcome in _ERRORS
        opened.end(noted.outcome if failed else None, after=noted.seconds)


def _attributes(claim: Claim, dispatch: Dispatch, kind: str) -> dict[str, AttributeValue]:
    return {
        "heddle.tenant.id": str(claim.tenant_id),
        "heddle.run.id": str(claim.run_id),
        "heddle.node.id": dispatch.node_id,
        "heddle.effect.key": dispatch.key,
        "heddle.effect.kind": kind,
        "heddle.effect.class": dispatch.effect_class,
    }
