"""What every HTTP request passes through, as plain ASGI."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.errors import HeddleError, PayloadTooLarge
from libs.common.metrics import Metrics
from libs.common.problem_responses import Renderer
from libs.common.tracing import Span, begin_span, current_trace_id, enter_trace, leave_trace

# Asked for every few seconds by whoever watches over the process.
_UNTOLD = frozenset({"/healthz", "/readyz", "/metrics"})

_log = structlog.get_logger("heddle.http")


class TracedRequests:
    """Continues or starts a trace, with a span for the request; the trace's id goes back as
    `x-trace-id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traceparent = tracestate = None
        for name, value in scope["headers"]:
            if name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"tracestate":
                tracestate = value.decode("latin-1")
        span = _span_of(scope, traceparent, tracestate)
        if span is not None:
            traceparent, tracestate = span.traceparent, span.tracestate
        token = enter_trace(traceparent, tracestate)
        header = (b"x-trace-id", (current_trace_id() or "").encode())

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
                if span is not None:
                    span.attributes["http.response.status_code"] = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_traced)
        finally:
            leave_trace(token)
            if span is not None:
                _end(span, scope)


def _span_of(scope: Scope, traceparent: str | None, tracestate: str | None) -> Span | None:
    if scope["path"] in _UNTOLD:
        return None
    method: str = scope["method"]
    attributes = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
    return begin_span(method, "server", attributes, parent=traceparent, tracestate=tracestate)


def _end(span: Span, scope: Scope) -> None:
    # The route and not the path: a path names whatever the caller liked.
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.name = f"{span.name} {route}"
        span.attributes["http.route"] = route
    status = span.attributes.setdefault("http.response.status_code", 500)
    span.end(str(status) if isinstance(status, int) and status >= 500 else None)


class UnexpectedErrors:
    """Answers what no handler expected with a 500 that names the trace and tells nothing else."""

    def __init__(self, app: ASGIApp, render: Renderer) -> None:
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except ClientDisconnect:
            return
        except Exception as error:
            if scope["type"] != "http":
                raise
            # The route and not the path: a path may be what opens a file or a form.
            route = getattr(scope.get("route"), "path", "unknown")
            _log.error("request_failed", route=route, exc_info=error)
            if started:
                raise  # the server cuts the connection: a truncated answer must not look whole
            known = error if isinstance(error, HeddleError) else HeddleError("An unexpected error.")
            await self._render(scope, known)(scope, receive, send)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyBound:
    """`most_bytes` of a body, and what a larger one is refused with."""

    most_bytes: int
    error: type[PayloadTooLarge] = PayloadTooLarge


class BodyLimit:
    """Refuses bodies above `limit` bytes: at once when announced, else while reading. `others`
    are the bounds of paths that have their own; one that ends with `/` is of all that begin so."""

    def __init__(
        self, app: ASGIApp, limit: int, render: Renderer, others: Mapping[str, BodyBound]
    ) -> None:
        self._app = app
        self._usual = BodyBound(most_bytes=limit)
        self._others = others
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bound = self._bound(scope["path"])
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > bound.most_bytes:
                await self._render(scope, _too_large(bound))(scope, receive, send)
                return
        read = 0

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > bound.most_bytes:
                raise _too_large(bound)
            return message

        await self._app(scope, receive_counted, send)

    def _bound(self, path: str) -> BodyBound:
        known = self._others.get(path)
        if known is not None:
            return known
        below = (
            bound
            for start, bound in self._others.items()
            if start.endswith("/") and path.startswith(start)
        )
        return next(below, self._usual)


def _too_large(bound: BodyBound) -> PayloadTooLarge:
    return bound.error(f"The body is above {bound.most_bytes} bytes.")


class MeasuredRequests:
    """Durations by method, route and status; a path that no route knows counts as `unknown`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._durations = metrics.histogram(
            "http_server_request_duration_seconds",
            "From the first byte of the request to the last of the answer.",
            ("http_request_method", "http_route", "http_response_status_code"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._durations.labels(scope["method"], route, str(status)).observe(
                time.perf_counter() - begun
            )
