"""The official `dify-client`, unmodified; workflows by plain `requests`, as it has no call."""

import json
from typing import Any, cast

import pytest
import requests
from dify_client import ChatClient

from tests.e2e.documents import demo_chat, greeting, model_chat
from tests.e2e.world import ImportedApp, World
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")


def _client(world: World, app: ImportedApp) -> Any:
    """The client; the library has no types."""
    client = cast("Any", ChatClient)(api_key=app.key)
    client.base_url = f"{world.url}/v1"
    return client


def _events(answer: requests.Response) -> list[dict[str, Any]]:
    lines = [line.decode() for line in answer.iter_lines()]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_a_blocking_chat(world: World) -> None:
    client = _client(world, world.import_app(demo_chat()))
    answer = client.create_chat_message({}, "Hello there.", user="ada")
    assert answer.status_code == 200
    told = answer.json()
    assert told["event"] == "message"
    assert told["answer"] == "You wrote: Hello there. (2 words)"
    assert told["message_id"] == told["id"]
    assert told["metadata"]["usage"]["total_tokens"] > 0
    said = client.get_conversation_messages("ada", told["conversation_id"]).json()["data"]
    assert [(each["query"], each["answer"]) for each in said] == [("Hello there.", told["answer"])]


def test_a_streaming_chat(world: World) -> None:
    client = _client(world, world.import_app(demo_chat()))
    answer = client.create_chat_message({}, "Hello there.", "ada", response_mode="streaming")
    events = _events(answer)
    kinds = [event["event"] for event in events]
    assert kinds[0] == "workflow_started"
    assert kinds[-2:] == ["message_end", "workflow_finished"]
    text = "".join(event["answer"] for event in events if event["event"] == "message")
    assert text == "You wrote: Hello there. (2 words)"
    assert events[-1]["data"]["outputs"]["answer"] == text


def test_a_conversation_remembers(world: World) -> None:
    world.provider(lambda asked: Answer(text=f"I was told {len(asked.prompt.splitlines())} lines"))
    client = _client(world, world.import_app(model_chat(memory=True)))
    first = client.create_chat_message({}, "My name is Ada.", user="ada").json()
    second = client.create_chat_message(
        {}, "What is my name?", user="ada", conversation_id=first["conversation_id"]
    ).json()
    assert second["conversation_id"] == first["conversation_id"]
    asked = cast("list[dict[str, Any]]", world.upstream.asked[-1].body["messages"])
    told = [(message["role"], message["content"]) for message in asked]
    assert told[-3:] == [
        ("user", "My name is Ada."),
        ("assistant", first["answer"]),
        ("user", "What is my name?"),
    ]
    other = client.create_chat_message({}, "What is my name?", user="ada").json()
    assert other["conversation_id"] != first["conversation_id"]
    assert "My name is Ada." not in world.upstream.asked[-1].prompt


def test_another_user_does_not_see_the_conversation(world: World) -> None:
    client = _client(world, world.import_app(demo_chat()))
    told = client.create_chat_message({}, "Hello there.", user="ada").json()
    taken = client.create_chat_message(
        {}, "And now?", user="eve", conversation_id=told["conversation_id"]
    )
    assert taken.status_code == 404
    seen = client.get_conversation_messages("eve", told["conversation_id"])
    assert seen.status_code == 404
    assert client.get_conversations("eve").json()["data"] == []


def test_conversations_are_listed_and_renamed(world: World) -> None:
    client = _client(world, world.import_app(demo_chat()))
    told = client.create_chat_message({}, "Hello there.", user="grace").json()
    renamed = client.rename_conversation(told["conversation_id"], "Greetings", "grace")
    assert renamed.json()["name"] == "Greetings"
    listed = client.get_conversations("grace").json()["data"]
    assert [each["name"] for each in listed] == ["Greetings"]
    assert client.get_application_parameters("grace").json()["user_input_form"] == []


def test_a_workflow_by_requests(world: World) -> None:
    app = world.import_app(greeting())
    body = {"inputs": {"name": "Ada"}, "user": "ada"}
    url = f"{world.url}/v1/workflows/run"
    blocking = requests.post(
        url, json={**body, "response_mode": "blocking"}, headers=app.headers, timeout=30
    ).json()
    assert blocking["data"]["outputs"] == {"text": "Hello, Ada!"}
    assert blocking["task_id"] == blocking["workflow_run_id"] == blocking["data"]["id"]
    streamed = requests.post(
        url,
        json={**body, "response_mode": "streaming"},
        headers=app.headers,
        stream=True,
        timeout=30,
    )
    events = _events(streamed)
    assert [event["event"] for event in events if event["event"] != "text_chunk"] == [
        "workflow_started",
        *["node_started", "node_finished"] * 3,
        "workflow_finished",
    ]
    assert events[-1]["data"]["outputs"] == {"text": "Hello, Ada!"}
    detail = requests.get(
        f"{world.url}/v1/workflows/run/{blocking['workflow_run_id']}",
        headers=app.headers,
        timeout=30,
    ).json()
    assert detail["status"] == "succeeded"
    assert detail["outputs"] == {"text": "Hello, Ada!"}
