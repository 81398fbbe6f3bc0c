"""Whatever a body holds, the answer is one of ours, never a 500, and the run's story is told."""

import json
from typing import Any

import pytest

from tests.security.stage import Stage, bearer
from tests.security.test_tenant_walls import CASES, WITHOUT_IDS

pytestmark = pytest.mark.xdist_group("security")

BODIES: dict[str, bytes] = {
    "half a pair in a value": b'{"inputs": {"x": "\\ud800"}, "user": "owner"}',
    "half a pair in a key": b'{"inputs": {"\\udfff": 1}, "user": "owner"}',
    "half a pair in the user": b'{"inputs": {}, "user": "\\ud800", "name": "\\ud800"}',
    "not a number": b'{"inputs": {"x": NaN}, "user": "owner", "temperature": NaN}',
    "infinity": b'{"inputs": {"x": 1e999}, "user": "owner", "temperature": -1e999}',
    "a number too long": b'{"inputs": {"x": ' + b"9" * 5000 + b'}, "user": "owner"}',
    "deep": b'{"inputs": {"x": ' + b"[" * 150 + b"]" * 150 + b'}, "user": "owner"}',
    "very deep": b"[" * 100_000,
    "no UTF-8": b'{"inputs": {"x": "\xff"}, "user": "owner"}',
    "cut off": b'{"inputs": {',
    "a list": b"[]",
    "text": b'"x"',
}


def json_routes(stage: Stage) -> list[tuple[str, str]]:
    paths: dict[str, Any] = stage.http.get("/openapi.json").json()["paths"]
    return [
        (method.upper(), path)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]


@pytest.mark.parametrize("name", BODIES)
def test_no_route_takes_what_cannot_be_kept(stage: Stage, name: str) -> None:
    routes = json_routes(stage)
    assert len(routes) >= 8
    for method, path in routes:
        case = CASES.get(f"{method} {path}")
        assert case or f"{method} {path}" in WITHOUT_IDS
        target = case.path(stage.first) if case else path.replace("{name}", "openai")
        key = stage.platform.admin_token if path.startswith("/api") else stage.first.chat_key
        if path == "/v1/chat/completions":
            key = stage.platform.workspace_key
        answer = stage.http.request(
            method,
            target,
            content=BODIES[name],
            headers={**bearer(key), "Content-Type": "application/json"},
        )
        assert answer.status_code == 400, f"{method} {target}: {answer.text}"


@pytest.mark.parametrize("user", ["a\0b", "u" * 100_000, "../..", "a.b.*.>", "'; drop table"])
def test_any_text_names_an_end_user(stage: Stage, user: str) -> None:
    body = {"inputs": {"x": "1"}, "user": user, "response_mode": "blocking"}
    answer = stage.http.post(
        "/v1/workflows/run", content=json.dumps(body), headers=headers(stage.first.app_key)
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("point", ["-1.0", "x", "1", "9" * 30 + ".0", "1.0; drop"])
def test_a_point_that_is_none_is_refused(stage: Stage, point: str) -> None:
    answer = stage.http.get(
        f"/v1/workflow/{stage.first.run_id}/events?user=owner",
        headers={**bearer(stage.first.app_key), "Last-Event-ID": point},
    )
    assert answer.status_code == 400, answer.text


def test_a_point_beyond_the_end_tells_the_end(stage: Stage) -> None:
    answer = stage.http.get(
        f"/v1/workflow/{stage.first.run_id}/events?user=owner",
        headers={**bearer(stage.first.app_key), "Last-Event-ID": "999999999999.999999999999"},
    )
    assert answer.status_code == 200


def headers(key: str) -> dict[str, str]:
    return {**bearer(key), "Content-Type": "application/json"}
