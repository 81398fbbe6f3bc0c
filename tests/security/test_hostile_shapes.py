"""Odd names through the public API: they go nowhere unchecked."""

import httpx
import pytest

from deploy.local.ports import SERVICES
from tests.security.graphs import Node, document, node
from tests.security.raw_web import RawWeb
from tests.security.stage import Stage, bearer
from tests.security.test_bad_bodies import BODIES
from tests.support.scripted_upstream import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("security")

ODD_NAMES: dict[str, str] = {
    "a wildcard": "*",
    "everything": ">",
    "dots": "a.b.>.*",
    "spaces": " a b ",
    "a new line": "a\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1",
    "no ASCII": "ключ 节点",
    "half of Latin": "n\u0080\u00ff",
    "slashes": "../../m/-/0/0",
    "quotes": "'\"; drop table runs; --",
    "braces": "{{#s.x#}}{{ 7*7 }}",
    "a zero": "a\0b",
    "long": "n" * 5000,
}


def _model(name: str) -> Node:
    return node(
        name,
        "llm",
        model={"provider": "openai", "name": "gpt-4o-mini", "mode": "chat"},
        prompt_template=[{"role": "user", "text": "hello"}],
    )


def _request(name: str) -> Node:
    return node(
        name,
        "http-request",
        method="post",
        url="http://web.example.test/",
        headers="",
        params="",
        body={"type": "none", "data": []},
        authorization={"type": "no-auth", "config": None},
    )


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_nodes_name_goes_nowhere_unchecked(
    stage: Stage, upstream: ScriptedUpstream, web: RawWeb, name: str
) -> None:
    odd = ODD_NAMES[name]
    web.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    for middle in (_model(odd), _request(odd)):
        source = document(
            [node("s", "start", variables=[]), middle, node("e", "end", outputs=[])], name=name
        )
        answer = stage.http.post(
            "/api/apps/import",
            params={"publish": "true"},
            content=source,
            headers=bearer(stage.platform.admin_token),
        )
        if answer.status_code == 400:
            continue
        assert answer.is_success, answer.text
        if answer.json()["report"]["errors"]:
            continue
        told = stage.run(answer.json()["api_key"])
        assert told["status"] == "succeeded", str(told)
    assert not any("x-evil" in asked.headers for asked in upstream.asked)


_PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"
HEADERS: dict[str, list[tuple[bytes, bytes]]] = {
    "a trace state that is no text": [(b"traceparent", _PARENT), (b"tracestate", b"a=\xff\x80")],
    "a long trace state": [(b"traceparent", _PARENT), (b"tracestate", b"v=" + b"x" * 30_000)],
    "a trace parent with a tail": [
        (b"traceparent", b"01" + _PARENT[2:] + b"-\xff\x80;*.>"),
    ],
    "an idempotency key of wildcards": [(b"idempotency-key", b"a.*.>")],
    "an idempotency key that is no text": [(b"idempotency-key", b"\xff\xfe")],
    "a tenant": [(b"heddle-tenant", b"00000000-0000-0000-0000-000000000001")],
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_callers_headers_add_nothing(stage: Stage, name: str) -> None:
    shown = (b"authorization", f"Bearer {stage.first.app_key}".encode())
    body = {"inputs": {"x": "1"}, "user": "owner", "response_mode": "blocking"}
    answer = stage.http.post("/v1/workflows/run", json=body, headers=[shown, *HEADERS[name]])
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["status"] == "succeeded"


@pytest.mark.parametrize("odd", ["*", ">", "a.b", "%20", "%0d%0aX-Evil:1", "%00", "..%2f..", "ж"])
def test_an_id_that_is_none_leads_nowhere(stage: Stage, odd: str) -> None:
    admin, app = bearer(stage.platform.admin_token), bearer(stage.first.app_key)
    talk = bearer(stage.first.chat_key)
    answers = [
        stage.http.get(f"/api/apps/{odd}", headers=admin),
        stage.http.get(f"/api/runs/{odd}", headers=admin),
        stage.http.get(f"/api/runs/{odd}/events", headers=admin),
        stage.http.get(f"/api/runs/{odd}/trace", headers=admin),
        stage.http.post(f"/api/runs/{odd}/abort", headers=admin),
        stage.http.delete(f"/api/keys/{odd}", headers=admin),
        stage.http.get(f"/api/providers/{odd}", headers=admin),
        stage.http.get(f"/v1/workflows/run/{odd}", headers=app),
        stage.http.get(f"/v1/workflow/{odd}/events", params={"user": "owner"}, headers=app),
        stage.http.get(
            "/v1/messages", params={"conversation_id": odd, "user": "owner"}, headers=talk
        ),
        stage.http.request(
            "DELETE", f"/v1/conversations/{odd}", json={"user": "owner"}, headers=talk
        ),
        stage.http.post(
            "/v1/chat-messages",
            json={"inputs": {}, "query": "x", "user": "owner", "conversation_id": odd},
            headers=talk,
        ),
        stage.http.get("/v1/models", headers={b"Authorization": f"Bearer ws-{odd}".encode()}),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500, f"{answer.request.url}: {answer.text}"
        assert "x-evil" not in answer.headers


PATHS = [
    "/*",
    "/>",
    "/%00",
    "/%0d%0aX-Evil:1",
    "/..%2f..%2fetc%2fpasswd",
    "/" + "a" * 30_000,
    "/%ff",
]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_answers_odd_paths_and_bodies_as_its_own(stage: Stage, service: str) -> None:
    with httpx.Client(base_url=stage.platform.replica(service).url, timeout=30) as http:
        for path in PATHS:
            for method in ("GET", "POST", "PATCH"):
                answer = http.request(method, path, content=b"[" * 100_000)
                assert answer.status_code in {400, 404, 405}, f"{method} {path}: {answer.text}"
                assert answer.headers["x-trace-id"]
                assert "x-evil" not in answer.headers
        assert http.get("/healthz").status_code == 200


@pytest.mark.parametrize("name", BODIES)
def test_the_models_own_door_takes_nothing_that_cannot_be_kept(stage: Stage, name: str) -> None:
    answer = httpx.post(
        f"{stage.platform.replica('inference').url}/v1/chat/completions",
        content=BODIES[name],
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"
