"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from typing import Any

from pydantic import BaseModel

from libs.common.errors import HeddleError, UpstreamError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}
_TOLD_OF_UPSTREAM = {408: 504, 429: 429, 504: 504}
"""What a provider's own status is to the caller. All others stay a bad gateway: a provider's 401
or 403 is about the platform's key there, and the caller's own key is good."""
_RATE_LIMITED = 429


class OpenAIErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """The document, for OpenAPI."""

    error: OpenAIErrorDetail


def error_body(error: HeddleError) -> dict[str, Any]:
    """The document for `error`; `param` is the first wrong place, if one is known."""
    param = error.details[0].pointer.strip("/").replace("/", ".") if error.details else None
    status = status_of(error)
    # OpenAI's own word, which clients look for.
    code = "rate_limit_exceeded" if status == _RATE_LIMITED else error.code
    return wire_error(status, code, error.message, param or None)


def status_of(error: HeddleError) -> int:
    """The HTTP status of `error` at this door: a provider's rate limit is told as one, and its own
    time-out as one."""
    if isinstance(error, UpstreamError) and error.upstream_status is not None:
        return _TOLD_OF_UPSTREAM.get(error.upstream_status, error.status)
    return error.status


def wire_error(status: int, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """The document for anything else that went wrong with HTTP status `status`."""
    fallback = "invalid_request_error" if status < 500 else "server_error"
    kind = _TYPES.get(status, fallback)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
