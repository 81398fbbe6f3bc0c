"""Spans sent to an OTLP/HTTP collector, beside everything else and within bounds."""

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from libs.common.lifespan import Lifespan
from libs.common.tracing import Span, collect_into

_WAITING_SPANS = 16_384
_BATCH_SPANS = 512
_BATCH_MILLISECONDS = 1000.0
_EXPORT_SECONDS = 5.0
_CLOSE_SECONDS = 3.0
_DROP_SECONDS = 1.0
_KINDS = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
_SCOPE = InstrumentationScope("heddle")
_OK = Status(StatusCode.UNSET)
_FAILED = Status(StatusCode.ERROR)
_log = structlog.get_logger("heddle.tracing")


class ExportedSpans:
    """Implements SpanSink. A thread of its own sends a batch a second; at most 16,384 spans wait,
    then the oldest are dropped. A collector that is away is logged once, and once when it is
    back. `service` and `instance` name this process."""

    def __init__(self, service: str, endpoint: str, *, instance: str = "") -> None:
        # It would log every failed batch; the exporter below says what there is to say.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._resource = Resource.create(
            {
                "service.name": f"heddle-{service}",
                "service.namespace": "heddle",
                "service.instance.id": instance,
            }
        )
        self._exporter = _Exporter(endpoint)
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=_WAITING_SPANS,
            schedule_delay_millis=_BATCH_MILLISECONDS,
            max_export_batch_size=_BATCH_SPANS,
        )

    def add(self, span: Span) -> None:
        self._processor.on_end(_readable(span, self._resource))

    def close(self) -> None:
        """Send what waits. Blocks for at most four seconds; what is left after three is dropped."""
        closing = threading.Thread(target=self._processor.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)
        # Ends the waiting of a try that is still under way.
        self._exporter.shutdown()
        closing.join(_DROP_SECONDS)


class _Exporter(SpanExporter):
    """The exporter of the library, with one line when the collector goes and one when it comes."""

    def __init__(self, endpoint: str) -> None:
        # Only the host is logged: the rest of the URL may hold a secret.
        self._host = urlsplit(endpoint).hostname
        self._sending = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS
        )
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._sending.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away != self._away:
            self._away = away
            _log.warning("collector_away" if away else "collector_back", host=self._host)
        return result

    def shutdown(self) -> None:
        self._sending.shutdown()


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    flags = TraceFlags(int(span.traceparent[53:55], 16))
    state = TraceState.from_header([span.tracestate]) if span.tracestate else TraceState()
    trace_id = int(span.traceparent[3:35], 16)
    parent = None
    if span.parent_id is not None:
        parent = SpanContext(trace_id, int(span.parent_id, 16), True, flags, state)
    if span.error is not None:
        span.attributes["error.type"] = span.error
    return ReadableSpan(
        name=span.name,
        context=SpanContext(trace_id, int(span.traceparent[36:52], 16), False, flags, state),
        parent=parent,
        resource=resource,
        attributes=span.attributes,
        kind=_KINDS[span.kind],
        status=_FAILED if span.error is not None else _OK,
        start_time=span.begun,
        end_time=span.ended,
        instrumentation_scope=_SCOPE,
    )


def export_spans(service: str, endpoint: str, lifespan: Lifespan) -> None:
    """Collect this process's spans for the collector at `endpoint` until the lifespan ends; what
    waits then is sent."""
    spans = ExportedSpans(service, endpoint, instance=f"{socket.gethostname()}-{os.getpid()}")
    collect_into(spans)

    async def stop() -> None:
        collect_into(None)
        await asyncio.to_thread(spans.close)

    lifespan.at_stop("spans", stop)
