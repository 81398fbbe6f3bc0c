"""Which wire a door speaks. The wire shapes everything at its door, errors included."""

from typing import Literal, assert_never

from starlette.responses import Response
from starlette.types import Scope

from libs.common.errors import HeddleError
from libs.common.openai_wire.error_response import openai_error_response
from libs.common.problem_responses import problem_response
from services.backend.interface.http.dify.errors import dify_error_response
from services.backend.interface.http.review.routes import REVIEW_PATHS, told_error

Wire = Literal["native", "dify", "openai"]

_OPENAI = ("/v1/chat/completions", "/v1/models")


def wire_of(path: str) -> Wire:
    """The wire of the door that `path` leads to, whether or not such a route exists."""
    if any(path == door or path.startswith(f"{door}/") for door in _OPENAI):
        return "openai"
    if path == "/v1" or path.startswith("/v1/"):
        return "dify"
    return "native"


def render_error(scope: Scope, error: HeddleError) -> Response:
    """`error` as the door's own wire tells errors."""
    path = str(scope.get("path", ""))
    wire = wire_of(path)
    match wire:
        case "dify":
            return dify_error_response(error)
        case "openai":
            return openai_error_response(scope, error)
        case "native":
            return (
                told_error(error)
                if path.startswith(REVIEW_PATHS)
                else problem_response(scope, error)
            )
        case _:
            assert_never(wire)
