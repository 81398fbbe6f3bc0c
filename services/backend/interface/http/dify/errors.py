"""Errors on Dify's wire: `{"code", "message", "status"}`."""

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_core import to_json
from starlette.responses import Response

from libs.common.errors import HeddleError
from libs.common.problem_responses import documented_errors, retry_after_header

_OWN_CODES = frozenset(
    {
        *("app_unavailable", "not_chat_app", "not_workflow_app"),
        *("no_file_uploaded", "too_many_files", "filename_not_exists", "file_extension_blocked"),
        *("file_too_large", "unsupported_file_type", "file_not_found"),
    }
)
_CODES = {
    400: "invalid_param",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "request_entity_too_large",
    429: "too_many_requests",
    500: "internal_server_error",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}


class DifyError(BaseModel):
    """What carries an error beside its three fields differs from error to error."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str
    status: int


ERRORS = documented_errors(DifyError, "application/json")


def dify_error_body(error: HeddleError) -> dict[str, JsonValue]:
    """The document for `error`; what it carries beside comes after the three fields."""
    message = error.message
    if error.code == "invalid_input" and error.details:
        message = "; ".join(
            f"{detail.pointer.strip('/')}: {detail.message}" if detail.pointer else detail.message
            for detail in error.details
        )
    code = error.code if error.code in _OWN_CODES else _CODES.get(error.status, error.code)
    return {"code": code, "message": message, "status": error.status, **error.extra}


def dify_error_response(error: HeddleError) -> Response:
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    if error.retry_after is not None:
        headers["Retry-After"] = retry_after_header(error.retry_after)
    body = to_json(dify_error_body(error))
    return Response(body, error.status, headers=headers, media_type="application/json")
