"""A real OTLP/HTTP collector for tests: decodes what it gets and keeps it."""

import gzip
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSpan:
    """Ids are hex digits; `parent_id` "" for the first of its trace. Instants are nanoseconds."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    begun: int
    ended: int
    failed: bool
    attributes: Mapping[str, str]


class OtlpReceiver:
    """`spans` is everything received so far, in its order."""

    def __init__(self) -> None:
        self.spans: list[ReceivedSpan] = []
        self._came = threading.Condition()
        received = self._received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                status = 404
                if self.path == "/v1/traces":
                    received(body)
                    status = 200
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing to stderr."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def named(self, name: str, trace_id: str | None = None) -> list[ReceivedSpan]:
        """What came under this name, of one trace if given."""
        return [
            span
            for span in list(self.spans)
            if span.name == name and trace_id in {None, span.trace_id}
        ]

    def wait_until(self, enough: Callable[[list[ReceivedSpan]], bool]) -> None:
        """Return once `enough` says so of all spans. Raises TimeoutError with their names."""
        with self._came:
            if not self._came.wait_for(lambda: enough(self.spans), timeout=_WAIT_SECONDS):
                names = sorted({f"{span.service}: {span.name}" for span in self.spans})
                raise TimeoutError(f"received only {names}")

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _received(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._came:
            for resource in request.resource_spans:
                names = _texts(resource.resource.attributes)
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self.spans.append(
                            ReceivedSpan(
                                service=names["service.name"],
                                name=span.name,
                                kind=span.kind,
                                trace_id=span.trace_id.hex(),
                                span_id=span.span_id.hex(),
                                parent_id=span.parent_span_id.hex(),
                                begun=span.start_time_unix_nano,
                                ended=span.end_time_unix_nano,
                                failed=span.status.code == 2,
                                attributes=_texts(span.attributes),
                            )
                        )
            self._came.notify_all()


@contextmanager
def receiving() -> Generator[OtlpReceiver]:
    """A collector on a free port inside the block."""
    receiver = OtlpReceiver()
    thread = threading.Thread(target=receiver.serve, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop()
        thread.join()


def _texts(pairs: "object") -> dict[str, str]:
    return {pair.key: _text(pair.value) for pair in pairs}  # type: ignore[attr-defined]


def _text(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "array_value":
        return ",".join(_text(each) for each in value.array_value.values)
    return str(getattr(value, kind))
