"""Runs on the native API: begun, awaited, listed, aborted and resumed."""

from typing import Any
from uuid import UUID

import pytest

from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app


async def _door(house: House) -> str:
    return f"/api/apps/{(await house.imported(app()))['app_id']}/runs"


async def test_a_run_is_accepted_with_where_to_look(house: House) -> None:
    door = await _door(house)
    house.engine.go.set()
    body: dict[str, Any] = {"inputs": {"text": "hello"}}
    answer = await house.http.post(door, json=body, headers=house.admin())
    assert answer.status_code == 202
    told = answer.json()
    assert answer.headers["location"] == told["run"] == f"/api/runs/{told['run_id']}"
    for place in ("run", "events", "trace"):
        assert (await house.http.get(told[place], headers=house.admin())).status_code == 200
    workspace = bearer(house.keys.workspace_api_key)
    assert (await house.http.post(door, json=body, headers=workspace)).status_code == 202
    key = (await house.imported(app()))["api_key"]
    assert (await house.http.post(door, json=body, headers=bearer(key))).status_code == 401


@pytest.mark.parametrize("by", ["query", "header"])
async def test_who_waits_gets_the_run(house: House, by: str) -> None:
    door = await _door(house)
    params = {"wait": "15"} if by == "query" else {}
    prefer = {"Prefer": "respond-async, wait=15"} if by == "header" else {}
    answer = await house.http.post(
        door,
        json={"inputs": {"text": "hello"}},
        params=params,
        headers={**house.admin(), **prefer},
    )
    assert answer.status_code == 200
    assert answer.json()["status"] == "succeeded"
    assert answer.json()["outputs"] == {"answer": "echo: hello"}
    assert answer.headers["location"] == f"/api/runs/{answer.json()['run_id']}"
    assert answer.headers.get("preference-applied") == ("wait=15" if by == "header" else None)


async def test_a_wait_that_ends_first_is_answered_202_and_an_abort_stops_the_run(
    house: House,
) -> None:
    door = await _door(house)
    body = {"inputs": {"text": "hello", "hold": True}}
    answer = await house.http.post(door, json=body, params={"wait": "0.05"}, headers=house.admin())
    assert answer.status_code == 202
    path = answer.json()["run"]
    aborted = await house.http.post(f"{path}/abort", headers=house.admin())
    assert aborted.status_code == 202
    events = await house.http.get(f"{path}/events", headers=house.admin())
    assert '"status":"stopped"' in events.text
    assert (await house.http.get(path, headers=house.admin())).json()["status"] == "stopped"


@pytest.mark.parametrize(
    ("cause", "status", "code"),
    [
        ("UpstreamError", 502, "run_upstream_failed"),
        ("UpstreamTimeout", 502, "run_upstream_failed"),
        ("ProviderFailed", 502, "run_upstream_failed"),
        ("HttpRequestNodeError", 502, "run_upstream_failed"),
        ("TemplateError", 400, "run_failed"),
    ],
)
async def test_who_waits_for_a_failure_is_told_by_the_status(
    house: House, cause: str, status: int, code: str
) -> None:
    door = await _door(house)
    body = {"inputs": {"text": "hello", "fail": cause}}
    answer = await house.http.post(door, json=body, params={"wait": "15"}, headers=house.admin())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "the provider is down" in answer.json()["detail"]
    run = await house.http.get(f"/api/runs/{answer.json()['run_id']}", headers=house.admin())
    assert run.json()["status"] == "failed"


async def test_an_idempotency_key_belongs_to_one_run(house: House) -> None:
    door = await _door(house)
    headers = {**house.admin(), "Idempotency-Key": "k"}
    body: dict[str, Any] = {"inputs": {"text": "hello"}}
    first = await house.http.post(door, json=body, params={"wait": "15"}, headers=headers)
    again = await house.http.post(door, json=body, params={"wait": "15"}, headers=headers)
    assert first.json() == again.json()
    assert len(house.engine.runs) == 1
    other = await house.http.post(door, json={"inputs": {"text": "x"}}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_an_engine_that_is_away_keeps_nobody_waiting(house: House) -> None:
    door = await _door(house)
    house.engine.away = True
    answer = await house.http.post(door, json={"inputs": {}}, headers=house.admin())
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")


async def test_a_misspelt_field_is_refused(house: House) -> None:
    door = await _door(house)
    answer = await house.http.post(door, json={"input": {}}, headers=house.admin())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/input")


async def test_runs_are_listed_newest_first_in_pages(house: House) -> None:
    door = await _door(house)
    made: list[str] = []
    for text in ("a", "b", "c"):
        body = {"inputs": {"text": text}}
        ended = await house.http.post(door, json=body, params={"wait": "15"}, headers=house.admin())
        made.insert(0, ended.json()["run_id"])
    held = await house.http.post(door, json={"inputs": {"hold": True}}, headers=house.admin())
    first = await house.http.get("/api/runs", params={"limit": 2}, headers=house.admin())
    shown = first.json()["runs"]
    assert [run["run_id"] for run in shown] == [held.json()["run_id"], made[0]]
    assert [run["status"] for run in shown] == ["running", "succeeded"]
    assert first.json()["has_more"] is True
    rest = await house.http.get(
        "/api/runs", params={"before": made[0], "status": "succeeded"}, headers=house.admin()
    )
    assert [run["run_id"] for run in rest.json()["runs"]] == made[1:]
    assert rest.json()["has_more"] is False
    running = await house.http.get("/api/runs?status=running", headers=house.admin())
    assert [run["run_id"] for run in running.json()["runs"]] == [held.json()["run_id"]]


async def test_a_run_set_aside_is_found_with_its_evidence_and_resumed(house: House) -> None:
    door = await _door(house)
    house.engine.set_aside = True
    body: dict[str, Any] = {"inputs": {"text": "hello"}}
    path = (await house.http.post(door, json=body, headers=house.admin())).json()["run"]
    found = await house.http.get("/api/runs?status=quarantined", headers=house.admin())
    (listed,) = found.json()["runs"]
    assert (f"/api/runs/{listed['run_id']}", listed["error"]) == (path, "it broke")
    shown = (await house.http.get(path, headers=house.admin())).json()
    assert (shown["status"], shown["evidence"]) == ("quarantined", "it broke")
    key = {**house.admin(), "Idempotency-Key": "once"}
    resumed = await house.http.post(f"{path}/resume", headers=key)
    assert (resumed.status_code, resumed.json()["status"]) == (202, "running")
    events = await house.http.get(f"{path}/events", headers=house.admin())
    assert '"status":"succeeded"' in events.text
    assert (await house.http.post(f"{path}/resume", headers=key)).status_code == 202
    late = await house.http.post(f"{path}/resume", headers=house.admin())
    assert (late.status_code, late.json()["code"]) == (409, "run_not_set_aside")
    nobody = f"/api/runs/{house.tenant_id}/resume"
    assert (await house.http.post(nobody, headers=house.admin())).status_code == 404


async def test_a_run_is_bounded_by_its_workflow_and_its_caller(house: House) -> None:
    bounds = "features:\n    run_limits: {max_steps: 40, max_tokens: 900}"
    imported = await house.imported(app().replace("features:", bounds))
    door = f"/api/apps/{imported['app_id']}/runs"
    body: dict[str, Any] = {"inputs": {}, "limits": {"max_tokens": 700, "max_steps": 60}}
    answer = await house.http.post(door, json=body, headers=house.admin())
    limits = house.engine.runs[UUID(answer.json()["run_id"])].acceptance.limits
    assert (limits.max_steps, limits.max_seconds, limits.max_tokens) == (40, 1200.0, 700)
    for wrong in ({"max_steps": 0}, {"max_cost": 1}):
        refused = await house.http.post(
            door, json={"inputs": {}, "limits": wrong}, headers=house.admin()
        )
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input")


async def test_turns_are_taken_where_the_workflow_says_so(house: House) -> None:
    turns = "features:\n    conversation_turns: one_by_one"
    for mode, takes_turns in (("workflow", False), ("advanced-chat", True)):
        imported = await house.imported(app(mode, name=mode).replace("features:", turns))
        answer = await house.http.post(
            f"/api/apps/{imported['app_id']}/runs",
            json={"inputs": {}, **({"query": "Hi"} if takes_turns else {})},
            headers=house.admin(),
        )
        acceptance = house.engine.runs[UUID(answer.json()["run_id"])].acceptance
        assert acceptance.takes_turns is takes_turns
        assert (acceptance.turn_of is not None) is takes_turns


async def test_other_bounds_are_another_request(house: House) -> None:
    door = await _door(house)
    headers = {**house.admin(), "Idempotency-Key": "k"}
    body: dict[str, Any] = {"inputs": {}}
    assert (await house.http.post(door, json=body, headers=headers)).status_code == 202
    other = await house.http.post(door, json=body | {"limits": {"max_steps": 3}}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def _triggered() -> str:
    return (
        app()
        .replace("type: start\n", "type: trigger-webhook\n", 1)
        .replace("variables:", "params:")
        .replace("{variable: text, type: paragraph,", "{name: text, type: string,")
        .replace("{variable: count, type: number, label: Count, required: false}",
                 "{name: count, type: number, required: true}")
    )  # fmt: skip


async def test_a_run_begins_with_a_trigger_and_its_request(house: House) -> None:
    door = f"/api/apps/{(await house.imported(_triggered()))['app_id']}/runs"
    request = {"query_params": {"count": "3", "more": "m"}}
    body: dict[str, Any] = {"inputs": {"webhook_data": request}, "root": "start"}
    answer = await house.http.post(door, json=body, headers=house.admin())
    assert answer.status_code == 202
    accepted = house.engine.runs[UUID(answer.json()["run_id"])].acceptance
    assert accepted.root == "start"
    told = accepted.inputs["webhook_data"]
    assert isinstance(told, dict)
    assert told["query_params"] == {"count": 3, "more": "m"}


async def test_what_a_trigger_or_a_run_does_not_have_is_refused(house: House) -> None:
    door = f"/api/apps/{(await house.imported(_triggered()))['app_id']}/runs"
    forged = {"query_params": {"count": 1}, "files": {"it": {"type": "image", "object_key": "k"}}}
    refusals: list[tuple[dict[str, Any], str, str]] = [
        ({"inputs": {}}, "input_refused", "/inputs/webhook_data/query_params/count"),
        ({"inputs": {}, "root": "llm"}, "root_unknown", "/root"),
        ({"inputs": {"webhook_data": forged}}, "input_refused", "/inputs/webhook_data"),
    ]
    for body, code, pointer in refusals:
        answer = await house.http.post(door, json=body, headers=house.admin())
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert answer.json()["errors"][0]["pointer"] == pointer
