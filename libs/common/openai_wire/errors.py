"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from typing import Any

from pydantic import BaseModel

from libs.common.errors import HeddleError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


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
    return wire_error(error.status, error.code, error.message, param or None)


def wire_error(status: int, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """The document for anything else that went wrong with HTTP status `status`."""
    fallback = "invalid_request_error" if status < 500 else "server_error"
    kind = _TYPES.get(status, fallback)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
