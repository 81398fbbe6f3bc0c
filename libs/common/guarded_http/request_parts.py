"""A caller's words as a request that may be sent."""

import re
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import quote

from multidict import CIMultiDict
from yarl import URL

from libs.common.errors import InvalidInput

Pairs = Sequence[tuple[str, str]]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LONGEST_KEY = 255
# Ours to say: they decide where the request goes and how it is framed.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})


def url_of(text: str, params: Pairs) -> URL:
    """With `params` behind its own. Raises InvalidInput."""
    try:
        url = URL(text)
        return url.extend_query(params) if params else url
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"not a URL: {error}") from error


def method_of(text: str) -> str:
    """In capitals. Raises InvalidInput."""
    if not _TOKEN.fullmatch(text):
        raise InvalidInput(f"{text!r} is no HTTP method")
    return text.upper()


def headers_of(pairs: Pairs) -> CIMultiDict[str]:
    """Without those that are the client's own to say. Raises InvalidInput."""
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in pairs:
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise InvalidInput(f"{name!r} is no header, or its value holds control characters")
        if name.lower() not in _OWN_HEADERS:
            headers.add(name, value)
    return headers


def idempotency_value(key: str) -> str:
    """`key` as the value of an `Idempotency-Key`: visible ASCII, and at most 255 characters, above
    which servers refuse it. Equal for equal keys alone."""
    visible = quote(key, safe="/-._~,:")
    return visible if len(visible) <= _LONGEST_KEY else sha256(key.encode()).hexdigest()
