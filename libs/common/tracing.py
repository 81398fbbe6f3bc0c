"""Traces: the W3C context through HTTP and NATS, and spans where somebody collects them.

Without a collector a trace is two strings in a context variable: logs and problem documents name it
and messages carry it on. A span then costs one look at a variable.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Protocol

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$")
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16

_current: ContextVar[tuple[str, str | None] | None] = ContextVar("heddle_trace", default=None)
_SAMPLED = 1
_NANOSECONDS = 1_000_000_000

AttributeValue = str | int | float | bool | tuple[str, ...]
SpanKind = Literal["server", "client", "producer", "consumer", "internal"]


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


@dataclass(slots=True, kw_only=True)
class Span:
    """Work that is under way or has ended. Instants are nanoseconds since 1970.

    `traceparent` is what happens inside continues; `parent_id` None: the first of its trace.
    `error` names the kind of failure, never its message: that may hold what users wrote. The same
    goes for attributes: names, ids, sizes and counts, never texts, never secrets.
    """

    name: str
    kind: SpanKind
    traceparent: str
    parent_id: str | None
    tracestate: str | None = None
    begun: int
    ended: int = 0
    attributes: dict[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])
    error: str | None = None

    def end(self, error: BaseException | str | None = None, *, after: float | None = None) -> None:
        """Over now, or `after` seconds; `error` is what it failed with. Being cancelled is no
        failure. Only the first end counts."""
        if self.ended:
            return
        if error is not None and not isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.error = error if isinstance(error, str) else error_name(error)
        self.ended = time.time_ns() if after is None else self.begun + nanoseconds(after)
        record(self)


class SpanSink(Protocol):
    """Where ended spans go. Never blocks, never raises."""

    def add(self, span: Span) -> None: ...


_sink: SpanSink | None = None
_NOTHING: AbstractContextManager[None] = nullcontext()


def collect_into(sink: SpanSink | None) -> None:
    """Spans of this process go to `sink` from now on; None: there are none."""
    global _sink  # noqa: PLW0603 - one a process, as for logs
    _sink = sink


def is_collecting() -> bool:
    """Whether spans go anywhere."""
    return _sink is not None


def record(span: Span) -> None:
    """Hand on a span that has ended."""
    if _sink is not None:
        _sink.add(span)


def begin_span(
    name: str,
    kind: SpanKind = "internal",
    attributes: Mapping[str, AttributeValue] | None = None,
    *,
    parent: str | None = None,
    tracestate: str | None = None,
) -> Span | None:
    """A span that its caller ends, a child of `parent`, else of the current trace. The current
    trace stays what it is: for work that crosses tasks or generators.

    None without a collector, and in a trace whose sender said that it is not sampled.
    """
    if _sink is None:
        return None
    if parent is None and (found := _current.get()) is not None:
        parent, tracestate = found
    if parent is None or trace_id_of(parent) is None:
        traceparent, parent_id, tracestate = new_traceparent(), None, None
    elif not is_sampled(parent):
        return None
    else:
        traceparent, parent_id = child_of(parent, secrets.token_hex(8)), parent[36:52]
    return Span(
        name=name,
        kind=kind,
        traceparent=traceparent,
        parent_id=parent_id,
        tracestate=tracestate,
        begun=time.time_ns(),
        attributes=dict(attributes) if attributes else {},
    )


def span(
    name: str,
    kind: SpanKind = "internal",
    attributes: Mapping[str, AttributeValue] | None = None,
) -> AbstractContextManager[Span | None]:
    """The work inside as a span `name`, which is the current trace meanwhile. Inside is the span,
    or None as `begin_span` gives it. Not for use inside an asynchronous generator."""
    if _sink is None:
        return _NOTHING
    begun = begin_span(name, kind, attributes)
    return _NOTHING if begun is None else _Entered(begun)


@contextmanager
def ending(span: Span | None) -> Generator[None]:
    """Ends `span` with the block. The current trace is not touched, so this is for asynchronous
    generators too."""
    try:
        yield
    except BaseException as error:
        if span is not None:
            span.end(error)
        raise
    if span is not None:
        span.end()


def is_sampled(traceparent: str) -> bool:
    """Whether the spans of this trace are wanted. `traceparent` is well-formed."""
    return bool(int(traceparent[53:55], 16) & _SAMPLED)


def child_of(traceparent: str, span_id: str) -> str:
    """The context of the span `span_id`, 16 hex digits, in the same trace."""
    return f"00-{traceparent[3:35]}-{span_id}-{traceparent[53:55]}"


def nanoseconds(seconds: float) -> int:
    """Unix seconds as a span's instant."""
    return int(seconds * _NANOSECONDS)


def error_name(error: BaseException) -> str:
    """A failure's stable name: the code of ours, the class of everybody else's."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else type(error).__name__


class _Entered:
    """A span around a block, current inside it."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[tuple[str, str | None] | None] | None = None

    def __enter__(self) -> Span:
        self._token = _current.set((self._span.traceparent, self._span.tracestate))
        return self._span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        self._span.end(error)
