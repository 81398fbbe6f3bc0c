"""How failures look to clients of OpenAI's API."""

import json

import pytest

from libs.common.errors import HeddleError, RateLimited, UpstreamError, UpstreamTimeout, WireError
from libs.common.openai_wire.error_response import openai_error_response


def _upstream(status: int, *, retryable: bool = False, wait: float | None = None) -> UpstreamError:
    return UpstreamError(
        "the provider's words", upstream_status=status, retryable=retryable, retry_after=wait
    )


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (_upstream(429), 429, "rate_limit_error", "rate_limit_exceeded"),
        (RateLimited("ours"), 429, "rate_limit_error", "rate_limit_exceeded"),
        (_upstream(401), 502, "server_error", "upstream_error"),
        (_upstream(403), 502, "server_error", "upstream_error"),
        (_upstream(400), 502, "server_error", "upstream_error"),
        (_upstream(500), 502, "server_error", "upstream_error"),
        (_upstream(504), 504, "server_error", "upstream_error"),
        (_upstream(408), 504, "server_error", "upstream_error"),
        (UpstreamTimeout("silent"), 504, "server_error", "upstream_timeout"),
        (UpstreamError("broken"), 502, "server_error", "upstream_error"),
    ],
)
@pytest.mark.parametrize("over_the_wall", [False, True])
def test_status_type_and_code(
    error: HeddleError, status: int, kind: str, code: str, over_the_wall: bool
) -> None:
    told = WireError.of(error).to_error() if over_the_wall else error
    answer = openai_error_response({"path": "/v1/chat/completions"}, told)
    document = json.loads(bytes(answer.body))["error"]
    assert answer.status_code == status
    assert document == {"message": error.message, "type": kind, "param": None, "code": code}


@pytest.mark.parametrize(("seconds", "header"), [(7.0, "7"), (2.1, "3"), (0.0, "1"), (None, None)])
def test_the_providers_wait_is_passed_on(seconds: float | None, header: str | None) -> None:
    limited = _upstream(429, retryable=True, wait=seconds)
    answer = openai_error_response({"path": "/v1/chat/completions"}, limited)
    assert answer.headers.get("retry-after") == header


@pytest.mark.parametrize(("retryable", "header"), [(True, "true"), (False, "false")])
def test_clients_hear_whether_a_repeat_can_help(retryable: bool, header: str) -> None:
    answer = openai_error_response({"path": "/v1"}, _upstream(502, retryable=retryable))
    assert answer.headers["x-should-retry"] == header
