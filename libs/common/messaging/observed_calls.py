"""Spans and durations of what goes over the bus, on either side."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal

from libs.common.contracts.envelope import Envelope
from libs.common.messaging import headers as names
from libs.common.messaging.bus_metrics import NO_BUS_METRICS, BusMetrics
from libs.common.outcomes import CLOSED, outcome_told
from libs.common.structured_logging import message_context
from libs.common.tracing import AttributeValue, Span, SpanKind, begin_span

Verb = Literal["request", "publish", "answer", "process"]
_KINDS: dict[Verb, SpanKind] = {
    "request": "client",
    "publish": "producer",
    "answer": "server",
    "process": "consumer",
}
_TYPES = {"request": "send", "publish": "send", "answer": "process", "process": "process"}
# A durable message that nobody's trace led to is its own business.
_INSIDE_A_TRACE = frozenset({"publish", "process"})


class ObservedCalls:
    def __init__(self, metrics: BusMetrics = NO_BUS_METRICS) -> None:
        self._metrics = metrics

    @contextmanager
    def asking(
        self, verb: Verb, subject: str, envelope: Envelope, headers: dict[str, str]
    ) -> Generator[None]:
        """Around a call; its span goes into `headers`. Good for asynchronous generators too: the
        current trace is not touched."""
        span = _begin(
            verb, subject, envelope, headers.get(names.TRACEPARENT), headers.get(names.TRACESTATE)
        )
        if span is not None:
            headers[names.TRACEPARENT] = span.traceparent
        with _told(span, subject, self._metrics.asked):
            yield

    @contextmanager
    def serving(self, verb: Verb, subject: str, envelope: Envelope) -> Generator[Envelope]:
        """Around the handling of a message: logs and calls inside belong to its trace. Gives the
        envelope for the handler, which continues the span."""
        span = _begin(verb, subject, envelope, envelope.traceparent, envelope.tracestate)
        if span is not None:
            envelope = envelope.model_copy(update={"traceparent": span.traceparent})
        with _told(span, subject, self._metrics.served), message_context(envelope):
            yield envelope

    def buried(self, stream: str, durable: str) -> None:
        """A durable message went to the dead letters."""
        self._metrics.buried(stream, durable)


def _told(span: Span | None, subject: str, tell: Callable[[str, str, float], None]) -> outcome_told:
    def told(outcome: str, seconds: float) -> None:
        tell(subject, outcome, seconds)
        if span is not None:
            span.end(None if outcome in ("ok", CLOSED) else outcome)

    return outcome_told(told)


def _begin(
    verb: Verb, subject: str, envelope: Envelope, parent: str | None, tracestate: str | None
) -> Span | None:
    if parent is None and verb in _INSIDE_A_TRACE:
        return None
    span = begin_span(f"{verb} {subject}", _KINDS[verb], parent=parent, tracestate=tracestate)
    if span is not None:
        span.attributes |= _attributes(verb, subject, envelope)
    return span


def _attributes(verb: Verb, subject: str, envelope: Envelope) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "nats",
        "messaging.operation.name": verb,
        "messaging.operation.type": _TYPES[verb],
        "messaging.destination.name": subject,
    }
    if envelope.tenant_id is not None:
        attributes["heddle.tenant.id"] = str(envelope.tenant_id)
    if envelope.effect is not None:
        attributes["heddle.run.id"] = str(envelope.effect.run_id)
        attributes["heddle.effect.key"] = envelope.effect.key
    return attributes
