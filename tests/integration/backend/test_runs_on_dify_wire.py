"""Running workflows and chats as Dify's clients do."""

import asyncio
import json
from typing import Any

from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app


def events_of(text: str) -> list[tuple[str | None, dict[str, Any]]]:
    """The stream's events with their ids; pings left out."""
    found: list[tuple[str | None, dict[str, Any]]] = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in lines:
            found.append((lines.get("id"), json.loads(lines["data"])))
    return found


def names(text: str) -> list[str]:
    return [event["event"] for _, event in events_of(text)]


async def test_a_workflow_answers_in_one_piece(house: House) -> None:
    imported = await house.imported(app())
    body: dict[str, Any] = {"inputs": {"text": "hello"}, "user": "u1"}
    answer = await house.http.post(
        "/v1/workflows/run", json=body, headers=bearer(imported["api_key"])
    )
    assert answer.status_code == 200
    told = answer.json()
    assert told["task_id"] == told["workflow_run_id"] == told["data"]["id"]
    assert told["data"]["workflow_id"] == imported["version_id"]
    assert told["data"]["status"] == "succeeded"
    assert told["data"]["outputs"] == {"answer": "echo: hello"}
    assert told["data"]["total_tokens"] == 7


async def test_a_workflow_streams_in_order(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {"inputs": {"text": "hello"}, "user": "u1", "response_mode": "streaming"}
    answer = await house.http.post("/v1/workflows/run", json=body, headers=bearer(key))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("event: ping\n\n")
    assert names(answer.text) == [
        "workflow_started",
        "node_started",
        "text_chunk",
        "text_chunk",
        "node_finished",
        "workflow_finished",
    ]
    events = events_of(answer.text)
    ids = [tuple(map(int, str(mark).split("."))) for mark, _ in events]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    chunks = [event["data"] for _, event in events if event["event"] == "text_chunk"]
    assert "".join(chunk["text"] for chunk in chunks) == "echo: hello"
    assert chunks[0]["from_variable_selector"] == ["llm", "text"]
    started = events[0][1]["data"]
    assert started["inputs"]["text"] == "hello"
    assert started["inputs"]["sys.user_id"] == "u1"
    assert "sys.conversation_id" not in started["inputs"]
    finished = events[-1][1]["data"]
    assert finished["created_by"]["user"] == "u1"


async def test_any_event_id_resumes_to_exactly_the_rest(house: House) -> None:
    key = (await house.imported(app("advanced-chat")))["api_key"]
    body: dict[str, Any] = {
        "inputs": {},
        "query": "hello",
        "user": "u1",
        "response_mode": "streaming",
    }
    answer = await house.http.post("/v1/chat-messages", json=body, headers=bearer(key))
    whole = events_of(answer.text)
    assert [event["event"] for _, event in whole][-2:] == ["message_end", "workflow_finished"]
    run_id = whole[0][1]["workflow_run_id"]
    text = "".join(e["answer"] for _, e in whole if e["event"] == "message")
    for position, (mark, _) in enumerate(whole):
        again = await house.http.get(
            f"/v1/workflow/{run_id}/events",
            params={"user": "u1"},
            headers={**bearer(key), "Last-Event-ID": str(mark)},
        )
        rest = events_of(again.text)
        others = [e for e in whole[position + 1 :] if e[1]["event"] != "message"]
        assert [e for e in rest if e[1]["event"] != "message"] == others
        seen = [e for e in whole[: position + 1] if e[1]["event"] == "message"]
        more = [e for e in rest if e[1]["event"] == "message"]
        assert "".join(e["answer"] for _, e in [*seen, *more]) == text


async def test_a_finished_run_without_a_point_is_its_end(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {"inputs": {}, "user": "u1"}
    run_id = (await house.http.post("/v1/workflows/run", json=body, headers=bearer(key))).json()[
        "task_id"
    ]
    path = f"/v1/workflow/{run_id}/events"
    answer = await house.http.get(path, params={"user": "u1"}, headers=bearer(key))
    assert names(answer.text) == ["workflow_finished"]
    other = await house.http.get(path, params={"user": "u2"}, headers=bearer(key))
    assert other.status_code == 404
    nobody = await house.http.get(path, headers=bearer(key))
    assert (nobody.status_code, nobody.json()["message"]) == (400, "Arg user must be provided.")


async def test_a_chat_remembers(house: House) -> None:
    key = (await house.imported(app("advanced-chat")))["api_key"]
    first = await house.http.post(
        "/v1/chat-messages",
        json={"inputs": {}, "query": "one", "user": "u1", "files": None},
        headers=bearer(key),
    )
    told = first.json()
    assert told["event"] == "message"
    assert told["id"] == told["message_id"]
    assert told["mode"] == "advanced-chat"
    assert told["answer"] == "echo: one"
    assert told["metadata"]["usage"]["total_tokens"] == 7
    second = await house.http.post(
        "/v1/chat-messages",
        json={
            "inputs": {"hard": 1},
            "query": "two",
            "user": "u1",
            "conversation_id": told["conversation_id"],
        },
        headers=bearer(key),
    )
    assert second.json()["conversation_id"] == told["conversation_id"]
    assert second.json()["answer"] == "echo: one>echo: one"
    listed = await house.http.get(
        "/v1/messages",
        params={"user": "u1", "conversation_id": told["conversation_id"]},
        headers=bearer(key),
    )
    data = listed.json()["data"]
    assert [message["query"] for message in data] == ["one", "two"]
    assert data[1]["parent_message_id"] == data[0]["id"]
    stranger = await house.http.post(
        "/v1/chat-messages",
        json={"inputs": {}, "query": "x", "user": "u2", "conversation_id": told["conversation_id"]},
        headers=bearer(key),
    )
    assert (stranger.status_code, stranger.json()["message"]) == (404, "Conversation Not Exists.")


async def test_a_turn_nobody_listened_to_is_remembered(house: House) -> None:
    key = (await house.imported(app("advanced-chat")))["api_key"]
    house.engine.live = False
    body: dict[str, Any] = {
        "inputs": {"hold": True},
        "query": "one",
        "user": "u1",
        "response_mode": "streaming",
    }
    task = asyncio.create_task(house.http.post("/v1/chat-messages", json=body, headers=bearer(key)))
    await asyncio.wait_for(house.engine.begun.wait(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    house.engine.go.set()
    run = next(iter(house.engine.runs.values()))
    assert run.task is not None
    await run.task
    house.engine.live = True
    second = await house.http.post(
        "/v1/chat-messages",
        json={
            "inputs": {"hard": 1},
            "query": "two",
            "user": "u1",
            "conversation_id": run.acceptance.system["conversation_id"],
        },
        headers=bearer(key),
    )
    assert second.json()["answer"] == "echo: one>echo: one"


async def test_failures_keep_each_doors_own_rules(house: House) -> None:
    workflow = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {"inputs": {"fail": True}, "user": "u1"}
    answer = await house.http.post("/v1/workflows/run", json=body, headers=bearer(workflow))
    assert answer.status_code == 200
    assert answer.json()["data"]["status"] == "failed"
    assert answer.json()["data"]["error"] == "the provider is down"
    chat = (await house.imported(app("advanced-chat")))["api_key"]
    body["query"] = "q"
    refused = await house.http.post("/v1/chat-messages", json=body, headers=bearer(chat))
    assert refused.status_code == 400
    assert refused.json()["code"] == "invalid_param"
    assert refused.json()["message"] == "Run failed: the provider is down"
    body["response_mode"] = "streaming"
    streamed = await house.http.post("/v1/chat-messages", json=body, headers=bearer(chat))
    assert names(streamed.text)[-2:] == ["workflow_finished", "error"]
    assert events_of(streamed.text)[-1][1]["status"] == 400


async def test_stop_ends_a_run(house: House) -> None:
    key = (await house.imported(app("advanced-chat")))["api_key"]
    body: dict[str, Any] = {
        "inputs": {"hold": True},
        "query": "q",
        "user": "u1",
        "response_mode": "streaming",
    }
    task = asyncio.create_task(house.http.post("/v1/chat-messages", json=body, headers=bearer(key)))
    await asyncio.wait_for(house.engine.begun.wait(), 10)
    run_id = next(iter(house.engine.runs))
    path = f"/v1/chat-messages/{run_id}/stop"
    stranger = await house.http.post(path, json={"user": "u2"}, headers=bearer(key))
    assert stranger.status_code == 404
    stopped = await house.http.post(path, json={"user": "u1"}, headers=bearer(key))
    assert stopped.json() == {"result": "success"}
    streamed = await task
    assert names(streamed.text)[-2:] == ["workflow_finished", "message_end"]
    detail = await house.http.get(f"/v1/workflows/run/{run_id}", headers=bearer(key))
    assert detail.json()["status"] == "stopped"
    assert detail.json()["error"] == "Stopped by user."


async def test_inputs_are_checked_and_extras_pass(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    wrong = await house.http.post(
        "/v1/workflows/run",
        json={"inputs": {"count": "many"}, "user": "u1"},
        headers=bearer(key),
    )
    assert wrong.status_code == 400
    assert wrong.json() == {
        "code": "invalid_param",
        "message": "count in input form must be a valid number",
        "status": 400,
    }
    right = await house.http.post(
        "/v1/workflows/run",
        json={"inputs": {"count": "3", "extra": [1]}, "user": "u1"},
        headers=bearer(key),
    )
    assert right.status_code == 200
    run = next(iter(house.engine.runs.values()))
    assert run.acceptance.inputs["count"] == 3
    assert run.acceptance.inputs["extra"] == [1]


async def test_the_same_idempotency_key_is_one_run(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    headers = {**bearer(key), "Idempotency-Key": "k1"}
    body: dict[str, Any] = {"inputs": {"text": "x"}, "user": "u1"}
    first = await house.http.post("/v1/workflows/run", json=body, headers=headers)
    second = await house.http.post("/v1/workflows/run", json=body, headers=headers)
    assert first.json() == second.json()
    other = await house.http.post(
        "/v1/workflows/run", json={"inputs": {"text": "y"}, "user": "u1"}, headers=headers
    )
    assert other.status_code == 409
    assert len(house.engine.runs) == 1


async def test_unfit_modes_and_unpublished_apps(house: House) -> None:
    workflow = (await house.imported(app()))["api_key"]
    wrong = await house.http.post(
        "/v1/chat-messages", json={"inputs": {}, "query": "q"}, headers=bearer(workflow)
    )
    assert (wrong.status_code, wrong.json()["code"]) == (400, "not_chat_app")
    draft = (await house.imported(app(name="Draft"), publish=False))["api_key"]
    unpublished = await house.http.post(
        "/v1/workflows/run", json={"inputs": {}, "user": "u"}, headers=bearer(draft)
    )
    assert unpublished.status_code == 400
    assert unpublished.json()["message"] == "Workflow not published"
    parameters = await house.http.get("/v1/parameters", headers=bearer(draft))
    assert parameters.json()["code"] == "app_unavailable"
    form = (await house.http.get("/v1/parameters", headers=bearer(workflow))).json()
    assert form["opening_statement"] == "Hello"
    assert form["user_input_form"][0]["paragraph"]["variable"] == "text"
