"""Every route of the backend, called with another tenant's ids: 404, and nothing has changed."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
import pytest

from libs.common.identifiers import uuid7
from tests.security.buried_letter import LETTERS, SUBJECT
from tests.security.rows import rows_of_first_tenant
from tests.security.stage import SAID, Belongings, Stage, bearer
from tests.support.scripted_upstream import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("security")

_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}|\b[0-9]+(?=\"|/)")
_USER: dict[str, Any] = {"user": "owner"}
_YES: dict[str, Any] = {"action": "yes", "inputs": {}}
_SHOWN: dict[str, Any] = {"digest": "0" * 64, "allow_unsafe": True}
_RUN: dict[str, Any] = {"inputs": {}, "user": "owner", "response_mode": "blocking"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`key` names whose key of the second tenant is shown; `path` names the first tenant's ids.
    `sees` is the status: 404 for what names an id, 200 for lists, in which nothing may stand."""

    key: str
    path: Callable[[Belongings], str]
    body: Callable[[Belongings], dict[str, Any] | None] = field(default=lambda _: None)
    sees: int = 404


CASES: dict[str, Case] = {
    "GET /api/apps": Case(key="ws", path=lambda _: "/api/apps", sees=200),
    "GET /api/apps/{app_id}": Case(key="ws", path=lambda f: f"/api/apps/{f.app_id}"),
    "GET /api/apps/{app_id}/export": Case(key="ws", path=lambda f: f"/api/apps/{f.app_id}/export"),
    "POST /api/apps/{app_id}/publish": Case(
        key="adm", path=lambda f: f"/api/apps/{f.app_id}/publish"
    ),
    "PUT /api/apps/{app_id}/draft": Case(
        key="adm", path=lambda f: f"/api/apps/{f.app_id}/draft?publish=true"
    ),
    "PUT /api/apps/{app_id}/secrets/{name}": Case(
        key="adm",
        path=lambda f: f"/api/apps/{f.app_id}/secrets/KEY",
        body=lambda _: {"value": "mine"},
    ),
    "POST /api/apps/{app_id}/keys": Case(key="adm", path=lambda f: f"/api/apps/{f.app_id}/keys"),
    "DELETE /api/keys/{key_id}": Case(key="adm", path=lambda _: "/api/keys/{first_key}"),
    "GET /api/runs/{run_id}": Case(key="ws", path=lambda f: f"/api/runs/{f.run_id}"),
    "GET /api/runs/{run_id}/trace": Case(key="ws", path=lambda f: f"/api/runs/{f.run_id}/trace"),
    "GET /api/apps/{app_id}/keys": Case(key="ws", path=lambda f: f"/api/apps/{f.app_id}/keys"),
    "GET /api/keys": Case(key="adm", path=lambda _: "/api/keys", sees=200),
    "POST /api/apps/{app_id}/runs": Case(
        key="ws", path=lambda f: f"/api/apps/{f.app_id}/runs", body=lambda _: {}
    ),
    "GET /api/runs": Case(key="ws", path=lambda f: f"/api/runs?app_id={f.app_id}", sees=200),
    "POST /api/runs/{run_id}/abort": Case(key="ws", path=lambda f: f"/api/runs/{f.run_id}/abort"),
    "POST /api/runs/{run_id}/resume": Case(key="ws", path=lambda f: f"/api/runs/{f.run_id}/resume"),
    "GET /api/runs/{run_id}/events": Case(key="ws", path=lambda f: f"/api/runs/{f.run_id}/events"),
    "POST /api/runs/{run_id}/replay/preview": Case(
        key="ws", path=lambda f: f"/api/runs/{f.run_id}/replay/preview"
    ),
    "POST /api/runs/{run_id}/replay": Case(
        key="ws", path=lambda f: f"/api/runs/{f.run_id}/replay", body=lambda _: _SHOWN
    ),
    "POST /api/runs/{run_id}/fork/preview": Case(
        key="ws",
        path=lambda f: f"/api/runs/{f.run_id}/fork/preview",
        body=lambda _: {"from_node": "end"},
    ),
    "POST /api/runs/{run_id}/fork": Case(
        key="ws",
        path=lambda f: f"/api/runs/{f.run_id}/fork",
        body=lambda _: {**_SHOWN, "from_node": "end"},
    ),
    "GET /api/runs/{run_id}/diff/{other_id}": Case(
        key="ws", path=lambda f: f"/api/runs/{f.run_id}/diff/{f.chat_run_id}"
    ),
    "POST /api/apps/{app_id}/nodes/{node_id}/test": Case(
        key="ws", path=lambda f: f"/api/apps/{f.app_id}/nodes/start/test", body=lambda _: {}
    ),
    "POST /api/runs/{run_id}/pause": Case(
        key="ws", path=lambda f: f"/api/runs/{f.run_id}/pause", body=lambda _: {}
    ),
    "POST /api/runs/{run_id}/variables": Case(
        key="ws",
        path=lambda f: f"/api/runs/{f.run_id}/variables",
        body=lambda _: {"updates": [{"selector": ["s", "x"], "value": "taken over"}]},
    ),
    "GET /api/forms": Case(key="ws", path=lambda _: "/api/forms", sees=200),
    "GET /api/forms/{form_id}": Case(key="ws", path=lambda f: f"/api/forms/{f.form_id}"),
    "GET /api/forms/{form_id}/deliveries": Case(
        key="ws", path=lambda f: f"/api/forms/{f.form_id}/deliveries"
    ),
    "GET /api/apps/{app_id}/webhook-secret": Case(
        key="ws", path=lambda f: f"/api/apps/{f.app_id}/webhook-secret?url=https://example.com"
    ),
    "POST /api/forms/{form_id}/submit": Case(
        key="ws", path=lambda f: f"/api/forms/{f.form_id}/submit", body=lambda _: _YES
    ),
    "GET /v1/form/human_input/{form_token}": Case(
        key="app", path=lambda f: f"/v1/form/human_input/{f.form_token}"
    ),
    "POST /v1/form/human_input/{form_token}": Case(
        key="app",
        path=lambda f: f"/v1/form/human_input/{f.form_token}",
        body=lambda _: {**_YES, "user": "owner"},
    ),
    "GET /api/providers": Case(key="adm", path=lambda _: "/api/providers", sees=200),
    "GET /api/operations/dead-letters": Case(key="adm", path=lambda _: LETTERS, sees=200),
    "GET /api/operations/dead-letters/{letter_id}": Case(
        key="adm", path=lambda _: f"{LETTERS}/{{letter}}"
    ),
    "POST /api/operations/dead-letters/requeue": Case(
        key="adm", path=lambda _: f"{LETTERS}/requeue?subject={SUBJECT.name}", sees=200
    ),
    "POST /api/operations/dead-letters/{letter_id}/requeue": Case(
        key="adm", path=lambda _: f"{LETTERS}/{{letter}}/requeue"
    ),
    "DELETE /api/operations/dead-letters/{letter_id}": Case(
        key="adm", path=lambda _: f"{LETTERS}/{{letter}}"
    ),
    "GET /api/providers/{name}": Case(key="adm", path=lambda _: "/api/providers/openai"),
    "DELETE /api/providers/{name}": Case(key="adm", path=lambda _: "/api/providers/openai"),
    "POST /v1/workflows/{workflow_id}/run": Case(
        key="app", path=lambda f: f"/v1/workflows/{f.version_id}/run", body=lambda _: _RUN
    ),
    "POST /v1/chat-messages": Case(
        key="chat",
        path=lambda _: "/v1/chat-messages",
        body=lambda f: {**_RUN, "query": "more", "conversation_id": f.conversation_id},
    ),
    "POST /v1/chat-messages/{task_id}/stop": Case(
        key="chat", path=lambda f: f"/v1/chat-messages/{f.chat_run_id}/stop", body=lambda _: _USER
    ),
    "POST /v1/workflows/tasks/{task_id}/stop": Case(
        key="app", path=lambda f: f"/v1/workflows/tasks/{f.run_id}/stop", body=lambda _: _USER
    ),
    "GET /v1/workflows/run/{run_id}": Case(
        key="app", path=lambda f: f"/v1/workflows/run/{f.run_id}"
    ),
    "GET /v1/workflow/{run_id}/events": Case(
        key="app", path=lambda f: f"/v1/workflow/{f.run_id}/events?user=owner"
    ),
    "GET /v1/files/{file_id}/preview": Case(
        key="app", path=lambda f: f"/v1/files/{f.file_id}/preview"
    ),
    "GET /v1/conversations": Case(
        key="chat", path=lambda _: "/v1/conversations?user=owner", sees=200
    ),
    "GET /v1/messages": Case(
        key="chat", path=lambda f: f"/v1/messages?user=owner&conversation_id={f.conversation_id}"
    ),
    "DELETE /v1/conversations/{conversation_id}": Case(
        key="chat", path=lambda f: f"/v1/conversations/{f.conversation_id}", body=lambda _: _USER
    ),
    "POST /v1/conversations/{conversation_id}/name": Case(
        key="chat",
        path=lambda f: f"/v1/conversations/{f.conversation_id}/name",
        body=lambda _: {**_USER, "name": "taken over"},
    ),
    "GET /v1/conversations/{conversation_id}/variables": Case(
        key="chat", path=lambda f: f"/v1/conversations/{f.conversation_id}/variables?user=owner"
    ),
    "PUT /v1/conversations/{conversation_id}/variables/{variable_id}": Case(
        key="chat",
        path=lambda f: f"/v1/conversations/{f.conversation_id}/variables/v",
        body=lambda _: {**_USER, "value": "taken over"},
    ),
}

WITHOUT_IDS: dict[str, str] = {
    "GET /healthz": "says only that the process answers",
    "GET /readyz": "names dependencies, and what is wrong by class only",
    "GET /metrics": "counts, without tenants or ids",
    "POST /api/apps/import": "makes an app of the caller's own",
    "PUT /api/providers/{name}": "writes the caller's own, see the test below",
    "POST /v1/workflows/run": "runs the app behind the key",
    "POST /v1/files/upload": "stores a file of the caller's own",
    "GET /v1/parameters": "the app behind the key",
    "GET /v1/info": "the app behind the key",
    "GET /v1/meta": "the app behind the key",
    "GET /v1/site": "the app behind the key",
    "POST /v1/chat/completions": "the caller's own provider",
    "GET /v1/models": "the caller's own providers",
}


def operations(stage: Stage) -> set[str]:
    paths = stage.http.get("/openapi.json").json()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def key_of(stage: Stage, name: str) -> str:
    return {
        "ws": stage.second.workspace_key,
        "adm": stage.second.admin_token,
        "app": stage.others_app,
        "chat": stage.others_chat,
    }[name]


def test_every_route_has_a_case(stage: Stage) -> None:
    known = CASES.keys() | WITHOUT_IDS.keys()
    assert operations(stage) - known == set()
    assert known - operations(stage) == set()
    assert CASES.keys().isdisjoint(WITHOUT_IDS)


@pytest.mark.parametrize("operation", CASES)
def test_another_tenants_ids_do_not_exist(
    stage: Stage, upstream: ScriptedUpstream, operation: str
) -> None:
    case = CASES[operation]
    before = rows_of_first_tenant(stage)
    first_key = str(before.first_key_id)
    answer = asked(stage, operation, stage.first, first_key, str(stage.letter_id))
    assert answer.status_code == case.sees, answer.text
    assert SAID not in answer.text
    if case.sees == 200:
        known = [*asdict(stage.first).values(), first_key, upstream.url]
        assert [each for each in known if each in answer.text] == []
    assert rows_of_first_tenant(stage) == before
    letters = stage.http.get(LETTERS, headers=bearer(stage.platform.admin_token)).json()
    assert [letter["id"] for letter in letters["dead_letters"]] == [stage.letter_id]


@pytest.mark.parametrize("operation", [name for name, case in CASES.items() if case.sees == 404])
def test_an_id_of_others_is_answered_as_one_of_nobody(stage: Stage, operation: str) -> None:
    first_key = str(rows_of_first_tenant(stage).first_key_id)
    of_nobody = Belongings(**{name: str(uuid7()) for name in asdict(stage.first)})
    theirs = asked(stage, operation, stage.first, first_key, str(stage.letter_id))
    nobodys = asked(stage, operation, of_nobody, str(uuid7()), "987654321")
    assert shape(theirs) == shape(nobodys)


def asked(
    stage: Stage, operation: str, ids: Belongings, key_id: str, letter_id: str
) -> httpx.Response:
    """The operation with these ids and the second tenant's key."""
    case = CASES[operation]
    path = case.path(ids).replace("{first_key}", key_id).replace("{letter}", letter_id)
    return stage.http.request(
        operation.split(" ", maxsplit=1)[0],
        path,
        json=case.body(ids),
        headers=bearer(key_of(stage, case.key)),
    )


def shape(answer: httpx.Response) -> tuple[int, list[str], str]:
    """Everything that an answer tells but the request's own ids, its length and its time."""
    headers = sorted(
        f"{name}: {value}"
        for name, value in answer.headers.items()
        if name not in {"date", "content-length", "x-trace-id"}
    )
    return answer.status_code, headers, _IDS.sub("<id>", answer.text)


def test_a_credential_of_the_same_name_is_the_callers_own(stage: Stage) -> None:
    before = rows_of_first_tenant(stage)
    body = {"api_key": "other", "base_url": "http://127.0.0.1:9/v1"}
    headers = bearer(stage.second.admin_token)
    assert stage.http.put("/api/providers/openai", json=body, headers=headers).is_success
    assert rows_of_first_tenant(stage) == before
    stage.http.delete("/api/providers/openai", headers=headers).raise_for_status()


@pytest.mark.parametrize("operation", sorted(CASES.keys() | WITHOUT_IDS.keys()))
@pytest.mark.parametrize("key", ["app-" + "0" * 32, "Bearer", "ws-' or 1=1 --", "\xff"])
def test_no_key_opens_nothing(stage: Stage, operation: str, key: str) -> None:
    if operation in {"GET /healthz", "GET /readyz", "GET /metrics"}:
        return
    case = CASES.get(operation)
    method, path = operation.split(" ", maxsplit=1)
    path = case.path(stage.first) if case else path.replace("{name}", "openai")
    path = path.replace("{first_key}", stage.first.run_id).replace("{letter}", "1")
    headers = httpx.Headers({"Authorization": f"Bearer {key}"}, encoding="latin-1")
    answer = stage.http.request(method, path, json={}, headers=headers)
    assert answer.status_code == 401, answer.text


ONE_OF_ANOTHER_USER = [
    ("POST", "/v1/chat-messages/{f.chat_run_id}/stop"),
    ("GET", "/v1/workflow/{f.chat_run_id}/events?user=mallory"),
    ("GET", "/v1/messages?user=mallory&conversation_id={f.conversation_id}"),
    ("GET", "/v1/messages?conversation_id={f.conversation_id}"),
    ("DELETE", "/v1/conversations/{f.conversation_id}"),
    ("POST", "/v1/conversations/{f.conversation_id}/name"),
    ("GET", "/v1/conversations/{f.conversation_id}/variables?user=mallory"),
    ("PUT", "/v1/conversations/{f.conversation_id}/variables/v"),
]


@pytest.mark.parametrize(("method", "path"), ONE_OF_ANOTHER_USER)
def test_another_end_users_things_do_not_exist(stage: Stage, method: str, path: str) -> None:
    before = rows_of_first_tenant(stage)
    body = None if method == "GET" else {"user": "mallory", "name": "mine now", "value": 1}
    answer = stage.http.request(
        method, path.format(f=stage.first), json=body, headers=bearer(stage.first.chat_key)
    )
    assert answer.status_code == 404, answer.text
    assert rows_of_first_tenant(stage) == before


def test_another_apps_runs_do_not_exist(stage: Stage) -> None:
    for path in (
        f"/v1/workflows/run/{stage.first.run_id}",
        f"/v1/workflow/{stage.first.run_id}/events?user=owner",
    ):
        answer = stage.http.get(path, headers=bearer(stage.first.chat_key))
        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    ("one", "other"),
    [(("u/a", "b"), ("u", "a/b")), (("u\0", "c"), ("u", "c")), (("u" * 100_000, "d"), ("u", "d"))],
)
def test_idempotency_keys_are_an_end_users_own(
    stage: Stage, one: tuple[str, str], other: tuple[str, str]
) -> None:
    runs: set[str] = set()
    for user, key in (one, other, one):
        body = {"inputs": {"x": "1"}, "user": user, "response_mode": "blocking"}
        headers = {**bearer(stage.first.app_key), "Idempotency-Key": key}
        answer = stage.http.post("/v1/workflows/run", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        runs.add(answer.json()["workflow_run_id"])
    assert len(runs) == 2
