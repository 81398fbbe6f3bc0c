"""An error as the answer of a door that speaks OpenAI's wire."""

from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from libs.common.errors import HeddleError
from libs.common.openai_wire.errors import OpenAIError, error_body, status_of
from libs.common.problem_responses import documented_errors, problem_response

ERRORS = documented_errors(OpenAIError, "application/json")

_KEPT = ("cache-control", "retry-after", "www-authenticate")


def openai_error_response(scope: Scope, error: HeddleError) -> Response:
    """OpenAI's document, with the headers that the problem document would have.

    OpenAI's clients repeat 408, 409, 429 and every 5xx unless `x-should-retry` says otherwise.
    """
    problem = problem_response(scope, error)
    kept = {name: problem.headers[name] for name in _KEPT if name in problem.headers}
    kept["x-should-retry"] = str(error.retryable).lower()
    return JSONResponse(error_body(error), status_of(error), headers=kept)
