"""Requests that we make of others, as spans."""

from urllib.parse import urlsplit

from libs.common.tracing import AttributeValue, Span, begin_span

_FIRST_ERROR = 400


def client_span(method: str, url: str, *, parent: str | None = None) -> Span | None:
    """A span that its caller ends. Only the host is named: paths and queries may hold secrets."""
    span = begin_span(method, "client", {"http.request.method": method}, parent=parent)
    if span is not None:
        span.attributes |= _place(url)
    return span


def _place(url: str) -> dict[str, AttributeValue]:
    try:
        parts = urlsplit(url)
        place: dict[str, AttributeValue] = {
            "url.scheme": parts.scheme,
            "server.address": parts.hostname or "",
        }
        if parts.port is not None:
            place["server.port"] = parts.port
    except ValueError:
        # Not a URL: whoever sends the request says so.
        return {}
    return place


def note_status(span: Span | None, status: int) -> None:
    """The answer's status; from 400 on the request has failed."""
    if span is not None:
        span.attributes["http.response.status_code"] = status
        if status >= _FIRST_ERROR:
            span.error = str(status)
