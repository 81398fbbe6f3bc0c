"""Traces: the W3C context through HTTP and NATS, spans exported only when somebody collects them.

Without `HEDDLE_OTLP_ENDPOINT` a trace is two strings in a context variable: logs and problem
documents name it and messages carry it on, nothing else is paid for.
"""

import re
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libs.common.exported_spans import ExportedSpans

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$")
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16

_current: ContextVar[tuple[str, str | None] | None] = ContextVar("heddle_trace", default=None)
AttributeValue = str | int | float | bool


def new_traceparent() -> str:
    """A fresh trace, sampled, with a random id."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-03"


def trace_id_of(traceparent: str) -> str | None:
    """The 32 hex digits, or None where `traceparent` is not one."""
    match = _TRACEPARENT.match(traceparent)
    if match is None or match[1] == _NO_TRACE or match[2] == _NO_SPAN:
        return None
    return match[1]


def current_traceparent() -> str | None:
    """The trace of this task, None outside of any."""
    found = _current.get()
    return None if found is None else found[0]


def current_tracestate() -> str | None:
    found = _current.get()
    return None if found is None else found[1]


def current_trace_id() -> str | None:
    """The id for logs and problem documents."""
    found = _current.get()
    return None if found is None else found[0][3:35]


def enter_trace(
    traceparent: str | None, tracestate: str | None = None
) -> Token[tuple[str, str | None] | None]:
    """Continue the trace of a request or message; a missing or malformed one starts a new trace.

    Give the token to `leave_trace` where the context goes on to something else.
    """
    if traceparent is None or trace_id_of(traceparent) is None:
        return _current.set((new_traceparent(), None))
    return _current.set((traceparent, tracestate or None))


def leave_trace(token: Token[tuple[str, str | None] | None]) -> None:
    _current.reset(token)


class Tracing:
    """Spans of one process. `endpoint` None: `span` only hands the trace on."""

    def __init__(self, service: str, endpoint: str | None) -> None:
        self._spans: ExportedSpans | None = None
        if endpoint is not None:
            # Importing the SDK costs 150 ms, which only those who export shall pay.
            from libs.common import exported_spans  # noqa: PLC0415

            self._spans = exported_spans.ExportedSpans(service, endpoint)

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, AttributeValue] | None = None
    ) -> Generator[None]:
        """The work inside as a span `name`, a child of the current trace."""
        if self._spans is None:
            yield
            return
        with self._spans.span(name, attributes, _carrier()) as sent:
            token = enter_trace(sent.get("traceparent"), sent.get("tracestate"))
            try:
                yield
            finally:
                leave_trace(token)

    def close(self) -> None:
        """Export what waits. Blocks for at most the exporter's own time-out."""
        if self._spans is not None:
            self._spans.close()


def _carrier() -> dict[str, str]:
    found = _current.get()
    if found is None:
        return {}
    traceparent, tracestate = found
    return {"traceparent": traceparent} | ({"tracestate": tracestate} if tracestate else {})
