"""A run and its nodes as spans, made from what was committed.

The id of a span follows from what it is about. So an effect can name the span of its node, and a
node that of its run, long before those end, and whichever worker sees the end sends the span.
"""

import hashlib

from libs.common.tracing import (
    AttributeValue,
    Span,
    child_of,
    is_collecting,
    is_sampled,
    nanoseconds,
    record,
    trace_id_of,
)
from services.engine.domain.events.journal import (
    JournalEvent,
    NodeFailed,
    NodeSucceeded,
    RunFinished,
)
from services.engine.domain.layers.layer import Listener, ObservedRun, Order, RunView

_SPAN_ID_BYTES = 8
_SPAN_ID = slice(36, 52)


class SpanPlaces:
    """The places of one run whose acceptance was part of the trace `accepted` (a traceparent);
    `scope` begins the keys of its effects."""

    __slots__ = ("accepted", "scope")

    def __init__(self, scope: str, accepted: str) -> None:
        self.accepted = accepted
        self.scope = scope

    @property
    def run(self) -> str:
        """The traceparent of the run's span."""
        return self._at(self.scope)

    def node(self, node_id: str, frame: str) -> str:
        """The traceparent of one node execution's span. `frame` "" is the run's own."""
        return self._at(f"{self.scope}/{node_id}/{frame or '-'}")

    def of_effect(self, key: str) -> str:
        """The traceparent of the node span that the effect `key` belongs to."""
        return self._at(key.rsplit("/", 2)[0])

    def _at(self, place: str) -> str:
        digest = hashlib.blake2b(place.encode("utf-8", "surrogatepass"), digest_size=_SPAN_ID_BYTES)
        return child_of(self.accepted, digest.hexdigest())


def span_places(scope: str, accepted: str | None) -> SpanPlaces | None:
    """None where nobody collects the spans of a run that was accepted in the trace `accepted`."""
    if accepted is None or not is_collecting() or trace_id_of(accepted) is None:
        return None
    return SpanPlaces(scope, accepted) if is_sampled(accepted) else None


class Tracing:
    """Tells the collector of this process what has ended in the runs that are sampled."""

    name = "tracing"

    def listener(self, run: ObservedRun) -> Listener | None:
        places = span_places(run.scope, run.traceparent)
        return None if places is None else RunSpans(run, places)


class RunSpans:
    """Every event that ends something holds when it began, so nothing is kept between commits and
    nothing is missing after a takeover."""

    hears = (NodeSucceeded, NodeFailed, RunFinished)

    def __init__(self, run: ObservedRun, places: SpanPlaces) -> None:
        self._observed = run
        self._places = places
        self._run = places.run
        self._ids: dict[str, AttributeValue] = {
            "heddle.tenant.id": str(run.tenant_id),
            "heddle.run.id": str(run.run_id),
            "heddle.run.epoch": run.epoch,
        }

    def hear(self, seq: int, event: JournalEvent, run: RunView) -> Order | None:
        """Send the span of what has ended."""
        if isinstance(event, NodeSucceeded | NodeFailed) and event.taken_from is None:
            record(self._of_node(event))
        elif isinstance(event, RunFinished) and run.started is not None:
            record(self._of_run(event, run.started.at))
        return None

    def _of_node(self, event: NodeSucceeded | NodeFailed) -> Span:
        label = self._observed.labels.get(event.node_id)
        node_type = label.type if label else "unknown"
        attributes: dict[str, AttributeValue] = {
            **self._ids,
            "heddle.node.id": event.node_id,
            "heddle.node.type": node_type,
        }
        if event.frame:
            attributes["heddle.node.frame"] = event.frame
        return Span(
            name=f"node {node_type}",
            kind="internal",
            traceparent=self._places.node(event.node_id, event.frame),
            parent_id=self._run[_SPAN_ID],
            begun=nanoseconds(event.started_at),
            ended=nanoseconds(event.at),
            attributes=attributes,
            error=event.error_type if isinstance(event, NodeFailed) else None,
        )

    def _of_run(self, ended: RunFinished, started_at: float) -> Span:
        attributes: dict[str, AttributeValue] = {
            **self._ids,
            "heddle.app.id": str(self._observed.app_id),
            "heddle.workflow.hash": self._observed.workflow_hash,
            "heddle.run.status": ended.status,
            "heddle.run.steps": ended.total_steps,
            "heddle.run.tokens": ended.total_tokens,
            "heddle.run.takeovers": self._observed.takeovers,
        }
        return Span(
            name="run",
            kind="internal",
            traceparent=self._run,
            parent_id=self._places.accepted[_SPAN_ID],
            begun=nanoseconds(started_at),
            ended=nanoseconds(ended.at),
            attributes=attributes,
            error="run_failed" if ended.status == "failed" else None,
        )
