"""A provider's refusal as a typed error: its status and words kept, secrets scrubbed."""

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime

import msgspec

from libs.common.clock import Clock
from services.inference.domain.errors import ProviderFailed

_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_KEY_LIKE = re.compile(r"\b(?:sk|pk|key|api|xai|gsk)[-_][A-Za-z0-9_*-]{6,}")
_MAX_WORDS = 2000


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
    return ProviderFailed(
        f"{provider} answered {status}: {words}",
        upstream_status=status,
        retryable=status in _RETRYABLE,
        retry_after=_retry_after(headers.get("retry-after"), clock),
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
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(value) - clock.now()).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None
