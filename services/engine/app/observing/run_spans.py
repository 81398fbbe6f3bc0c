"""A run and its nodes as spans, made from what was committed."""

from collections.abc import Mapping
from dataclasses import replace

from libs.common.contracts.run_commands import RunEnded
from libs.common.tracing import AttributeValue, Span, nanoseconds, record
from services.engine.app.observing.span_places import SpanPlaces, span_places
from services.engine.app.ports.journal_store import Append, JournalWriter, Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.driver_ports import DriverPorts
from services.engine.domain.events.journal import NodeFailed, NodeSucceeded
from services.engine.domain.graph.node_labels import NodeLabel

_SPAN_ID = slice(36, 52)


def traced(ports: DriverPorts, claim: Claim, labels: Mapping[str, NodeLabel]) -> DriverPorts:
    """The ports for this run: the same where nobody collects its spans."""
    places = span_places(claim)
    if places is None:
        return ports
    return replace(ports, journal=TracedJournal(ports.journal, RunSpans(claim, places, labels)))


class TracedJournal:
    """Implements JournalWriter for one run whose commits become spans."""

    def __init__(self, journal: JournalWriter, spans: "RunSpans") -> None:
        self._journal = journal
        self._spans = spans

    def submit(self, append: Append) -> None:
        told = append.settled

        def settled(append: Append, verdict: Verdict, reason: str) -> None:
            if verdict is Verdict.TAKEN:
                self._spans.committed(append)
            told(append, verdict, reason)

        append.settled = settled
        self._journal.submit(append)


class RunSpans:
    """Every event that ends something holds when it began, so nothing is kept between commits and
    nothing is missing after a takeover."""

    def __init__(self, claim: Claim, places: SpanPlaces, labels: Mapping[str, NodeLabel]) -> None:
        self._claim = claim
        self._places = places
        self._labels = labels
        self._run = places.run
        self._ids: dict[str, AttributeValue] = {
            "heddle.tenant.id": str(claim.tenant_id),
            "heddle.run.id": str(claim.run_id),
            "heddle.run.epoch": claim.epoch,
        }

    def committed(self, append: Append) -> None:
        """Send the spans of what has ended in `append`."""
        for event in append.events:
            if isinstance(event, NodeSucceeded | NodeFailed) and event.taken_from is None:
                record(self._of_node(event))
        if append.ending is not None:
            record(self._of_run(append.ending))

    def _of_node(self, event: NodeSucceeded | NodeFailed) -> Span:
        label = self._labels.get(event.node_id)
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

    def _of_run(self, ended: RunEnded) -> Span:
        attributes: dict[str, AttributeValue] = {
            **self._ids,
            "heddle.app.id": str(ended.app_id),
            "heddle.workflow.hash": self._claim.request.workflow_hash,
            "heddle.run.status": ended.status,
            "heddle.run.steps": ended.total_steps,
            "heddle.run.tokens": ended.total_tokens,
            "heddle.run.takeovers": self._claim.takeovers,
        }
        return Span(
            name="run",
            kind="internal",
            traceparent=self._run,
            parent_id=self._places.accepted[_SPAN_ID],
            begun=nanoseconds(ended.created_at),
            ended=nanoseconds(ended.finished_at),
            attributes=attributes,
            error="run_failed" if ended.status == "failed" else None,
        )
