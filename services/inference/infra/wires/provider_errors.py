"""A provider's refusal as a typed error: its status and words kept, secrets scrubbed."""

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from math import isnan

import msgspec

from libs.common.clock import Clock
from services.inference.domain.errors import ProviderFailed

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_KEY_LIKE = re.compile(r"\b(?:sk|pk|key|api|xai|gsk)[-_][A-Za-z0-9_*-]{6,}")
_MAX_WORDS = 2000
_LONGEST_WAIT_SECONDS = 24 * 3600.0
"""Whatever a provider asks for, so that the number is one for every reader."""


class _Inner(msgspec.Struct):
    message: str | None = None


class _Body(msgspec.Struct):
    error: _Inner | str | None = None
    message: str | None = None
    detail: msgspec.Raw | None = None


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    provider: str,
    secrets: Iterable[str],
    clock: Clock,
) -> ProviderFailed:
    """The error for an HTTP answer that is not a success."""
    words = scrub(_words(body) or f"HTTP {status}", secrets)
    retryable = status in _RETRYABLE
    return ProviderFailed(
        f"{provider} answered {status}: {words}",
        upstream_status=status,
        retryable=retryable,
        retry_after=_retry_after(headers.get("retry-after"), clock) if retryable else None,
    )


def scrub(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of `secrets` and without what looks like a key."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    return _KEY_LIKE.sub("[secret]", text)


def _words(body: bytes) -> str:
    try:
        parsed = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[:_MAX_WORDS].decode(errors="replace").strip()
    if isinstance(parsed.error, str):
        return parsed.error[:_MAX_WORDS]
    if parsed.error is not None and parsed.error.message:
        return parsed.error.message[:_MAX_WORDS]
    if parsed.message:
        return parsed.message[:_MAX_WORDS]
    return body[:_MAX_WORDS].decode(errors="replace").strip()


def _retry_after(value: str | None, clock: Clock) -> float | None:
    if not value:
        return None
    seconds = _number(value)
    if seconds is None:
        try:
            seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
        except (OverflowError, TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _number(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return None if isnan(seconds) else seconds
