"""Errors as RFC 9457 problem documents."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, JsonValue
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from libs.common.errors import (
    CallerError,
    ErrorDetail,
    Forbidden,
    HeddleError,
    InvalidInput,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from libs.common.tracing import current_trace_id

MEDIA_TYPE = "application/problem+json"


class MethodNotAllowed(CallerError):
    code = "method_not_allowed"
    status = 405
    title = "The path does not take this method"


class ProblemPlace(BaseModel):
    """One place in the request that is wrong; `pointer` is a JSON pointer, "" the whole."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """An RFC 9457 problem document. `code` is stable and has a page of its own."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool
    trace_id: str | None = None
    run_id: str | None = None
    retry_after: float | None = Field(default=None, description="Seconds until a repeat may help.")
    errors: list[ProblemPlace] = []


Renderer = Callable[[Scope, HeddleError], Response]
"""How an error looks at one door."""


def problem_response(scope: Scope, error: HeddleError) -> Response:
    """`error` as a problem document."""
    body: dict[str, JsonValue] = {
        **error.extra,
        "type": f"urn:heddle:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
        "instance": quote(str(scope.get("path", ""))),
        "code": error.code,
        "retryable": error.retryable,
        "trace_id": current_trace_id(),
    }
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
    if error.details:
        body["errors"] = [
            {"pointer": place.pointer, "detail": place.message} for place in error.details
        ]
    return Response(to_json(body), error.status, headers=_headers(error), media_type=MEDIA_TYPE)


_TOLD = {
    "400": "The request is not what this path takes",
    "413": "The body is above the limit",
    "500": "Heddle failed",
    "503": "A part of the platform is away, or a queue is full",
    "default": "An error",
}


def documented_errors(model: type[BaseModel], media_type: str) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: a door whose errors all are a `model` in `media_type`."""
    # FastAPI takes the response documents as plain dicts.
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    documented: dict[int | str, dict[str, Any]] = {
        status: {"description": meaning, "content": content} for status, meaning in _TOLD.items()
    }
    # Naming it once brings the schema that the others point to.
    documented["default"] = {"description": _TOLD["default"], "model": model}
    return documented


def install_problem_responses(app: FastAPI, render: Renderer = problem_response) -> None:
    """Answer every error of `app` through `render`. What nobody expected is answered by
    `UnexpectedErrors`, outside of the routes."""

    async def heddle_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HeddleError)
        return render(request.scope, error)

    async def invalid_request(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(request.scope, invalid_input(error.errors()))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = render(request.scope, _of_http(error))
        for name, value in (error.headers or {}).items():
            response.headers[name] = value
        return response

    app.add_exception_handler(HeddleError, heddle_error)
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.add_exception_handler(HTTPException, http_error)


def invalid_input(errors: Sequence[Any]) -> InvalidInput:
    """FastAPI's validation errors (dicts of pydantic, untyped there) as one InvalidInput."""
    return InvalidInput(
        "The request does not fit what this path takes.",
        details=tuple(_place(tuple(error["loc"]), str(error["msg"])) for error in errors),
    )


def _place(location: tuple[str | int, ...], message: str) -> ErrorDetail:
    if location and location[0] == "body":
        location = location[1:]
        if message.startswith("JSON decode error"):
            return ErrorDetail(pointer="", message=f"not JSON at position {location[-1]}")
    pointer = "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}" for p in location)
    return ErrorDetail(pointer=pointer, message=message)


_BY_STATUS: dict[int, type[HeddleError]] = {
    400: InvalidInput,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
    429: RateLimited,
    503: Unavailable,
}


def _of_http(error: HTTPException) -> HeddleError:
    # FastAPI wraps what reading the body raised.
    if isinstance(error.__cause__, HeddleError):
        return error.__cause__
    fallback = CallerError if error.status_code < 500 else HeddleError
    return _BY_STATUS.get(error.status_code, fallback)(str(error.detail))


def retry_after_header(seconds: float) -> str:
    """Whole seconds, never fewer than asked for and at least one."""
    return str(max(ceil(seconds), 1))


def _headers(error: HeddleError) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if error.retry_after is not None:
        headers["Retry-After"] = retry_after_header(error.retry_after)
    if error.status == Unauthenticated.status:
        headers["WWW-Authenticate"] = "Bearer"
    return headers
