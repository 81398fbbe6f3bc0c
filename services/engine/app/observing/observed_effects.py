"""Effects with their span, their outcome and how long they took."""

import time
from collections.abc import Callable

from libs.common.clock import Clock
from libs.common.messaging.bus import MessageBus
from libs.common.tracing import AttributeValue, enter_trace, leave_trace, span
from services.engine.app.effects.dispatch_effect import EffectDispatcher
from services.engine.app.effects.effect_sink import EffectSink
from services.engine.app.observing.noted_sink import NotedSink
from services.engine.app.observing.span_places import span_places
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Dispatch
from services.engine.domain.node_parts.effects import CallModel, EffectRequest, FetchHttp, RunCode

_KINDS: dict[type[EffectRequest], str] = {
    CallModel: "model",
    RunCode: "code",
    FetchHttp: "http",
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

    async def perform(self, claim: Claim, dispatch: Dispatch, sink: EffectSink) -> None:
        kind = _KINDS.get(type(dispatch.request), "other")
        noted = NotedSink(sink)
        begun = time.perf_counter()
        places = span_places(claim)
        parent = claim.request.traceparent if places is None else places.of_effect(dispatch.key)
        token = None if parent is None else enter_trace(parent)
        try:
            with span(f"effect {kind}", "internal", _attributes(claim, dispatch, kind)) as opened:
                try:
                    await super().perform(claim, dispatch, noted)
                finally:
                    if opened is not None:
                        opened.attributes["heddle.effect.outcome"] = noted.outcome
                        opened.error = noted.outcome if noted.outcome in _ERRORS else None
        finally:
            if token is not None:
                leave_trace(token)
            self._on_effect(kind, noted.outcome, time.perf_counter() - begun)


def _attributes(claim: Claim, dispatch: Dispatch, kind: str) -> dict[str, AttributeValue]:
    return {
        "heddle.tenant.id": str(claim.tenant_id),
        "heddle.run.id": str(claim.run_id),
        "heddle.node.id": dispatch.node_id,
        "heddle.effect.key": dispatch.key,
        "heddle.effect.kind": kind,
        "heddle.effect.class": dispatch.effect_class,
    }
