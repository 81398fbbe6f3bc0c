"""Spans sent to an OTLP/HTTP collector."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


class ExportedSpans:
    """Exports in the background, in batches; when the collector is away spans are dropped."""

    def __init__(self, service: str, endpoint: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("heddle")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Mapping[str, str | int | float | bool] | None,
        parent: Mapping[str, str],
    ) -> Generator[dict[str, str]]:
        """A child of `parent` (W3C headers); gives the headers of what happens inside."""
        context = self._propagator.extract(dict(parent))
        with self._tracer.start_as_current_span(name, context=context, attributes=attributes):
            sent: dict[str, str] = {}
            self._propagator.inject(sent)
            yield sent

    def close(self) -> None:
        """Export what waits. Blocks for at most the exporter's own time-out."""
        self._provider.shutdown()
