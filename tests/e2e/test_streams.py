"""Coming back to a stream, stopping a run, sending a request twice."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import httpx
import pytest

from tests.e2e.documents import greeting, model_chat
from tests.e2e.world import SECONDS, ImportedApp, Json, SentEvent, World
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")

_WORDS = " ".join(f"word{number}" for number in range(20))


@pytest.fixture
def chat(world: World) -> ImportedApp:
    """A chat whose model says twenty words."""
    world.provider(lambda _: Answer(text=_WORDS, seconds_between=0.02))
    return world.import_app(model_chat())


@pytest.fixture
def slow_chat(world: World) -> ImportedApp:
    """A chat whose model would talk for minutes."""
    world.provider(lambda _: Answer(text=_WORDS * 20, seconds_between=0.5))
    return world.import_app(model_chat())


def _text(events: list[SentEvent]) -> str:
    return "".join(event.body["answer"] for event in events if event.kind == "message")


def _steps(events: list[SentEvent]) -> list[tuple[str, str]]:
    return [
        (event.kind, str(event.body.get("data", {}).get("node_id")))
        for event in events
        if event.kind != "message"
    ]


def _position(event: SentEvent) -> tuple[int, int]:
    seq, _, offset = event.id.partition(".")
    return int(seq), int(offset)


def test_a_client_that_comes_back_gets_exactly_what_it_missed(
    world: World, chat: ImportedApp
) -> None:
    with world.streamed(chat, "/v1/chat-messages", {"inputs": {}, "query": "go"}) as events:
        whole = list(events)
    assert _text(whole) == _WORDS
    positions = [_position(event) for event in whole]
    assert all(one < other for one, other in pairwise(positions)), positions
    run_id = whole[0].body["workflow_run_id"]
    for count in range(1, len(whole)):
        rest = world.resumed(chat, run_id, whole[count - 1].id)
        assert _text(whole[:count]) + _text(rest) == _WORDS
        assert _steps(whole[:count]) + _steps(rest) == _steps(whole)


def test_it_gets_the_rest_while_the_run_goes_on_and_from_another_replica(
    world: World, chat: ImportedApp
) -> None:
    other = world.platform.add("backend")
    try:
        seen: list[SentEvent] = []
        with world.streamed(chat, "/v1/chat-messages", {"inputs": {}, "query": "go"}) as events:
            _read_until_text(events, seen)
        run_id = seen[0].body["workflow_run_id"]
        with httpx.Client(base_url=other.url, timeout=SECONDS) as http:
            elsewhere = replace(world, http=http)
            rest = elsewhere.resumed(chat, run_id, seen[-1].id)
    finally:
        world.platform.replicas["backend"].remove(other)
        other.child.stop()
    assert _text(seen) + _text(rest) == _WORDS
    assert rest[-1].kind == "workflow_finished"
    assert not set(_steps(seen)) & set(_steps(rest))


def test_without_a_last_id_a_finished_run_tells_its_end(world: World, chat: ImportedApp) -> None:
    told = world.chat(chat, "go").json()
    path = f"/v1/workflow/{told['task_id']}/events"
    answer = world.http.get(path, params={"user": "e2e"}, headers=chat.headers)
    assert answer.status_code == 200
    assert '"event":"workflow_finished"' in answer.text.replace(" ", "")
    assert '"event":"node_started"' not in answer.text.replace(" ", "")


def test_a_bad_last_id_is_refused(world: World, chat: ImportedApp) -> None:
    told = world.chat(chat, "go").json()
    answer = world.http.get(
        f"/v1/workflow/{told['task_id']}/events",
        params={"user": "e2e"},
        headers={**chat.headers, "Last-Event-ID": "seven"},
    )
    assert answer.status_code == 400


def test_a_stopped_run_ends_as_stopped(world: World, slow_chat: ImportedApp) -> None:
    seen: list[SentEvent] = []
    with world.streamed(slow_chat, "/v1/chat-messages", {"inputs": {}, "query": "go"}) as events:
        _read_until_text(events, seen)
        task = seen[0].body["task_id"]
        stop = f"/v1/chat-messages/{task}/stop"
        stranger = world.http.post(stop, json={"user": "eve"}, headers=slow_chat.headers)
        assert stranger.status_code == 404
        stopped = world.http.post(stop, json={"user": "e2e"}, headers=slow_chat.headers)
        assert stopped.json() == {"result": "success"}
        seen += list(events)
    assert [event.kind for event in seen[-2:]] == ["workflow_finished", "message_end"]
    finished = seen[-2].body["data"]
    assert (finished["status"], finished["error"]) == ("stopped", "Stopped by user.")
    said = world.http.get(
        "/v1/messages",
        params={"user": "e2e", "conversation_id": seen[0].body["conversation_id"]},
        headers=slow_chat.headers,
    ).json()["data"]
    assert said[0]["answer"] == _text(seen)


def test_a_request_sent_twice_is_one_run(world: World, chat: ImportedApp) -> None:
    headers = {**chat.headers, "Idempotency-Key": "once"}
    body: Json = {"inputs": {}, "query": "go", "user": "e2e", "response_mode": "blocking"}
    first = world.http.post("/v1/chat-messages", json=body, headers=headers).json()
    again = world.http.post("/v1/chat-messages", json=body, headers=headers).json()
    assert again["task_id"] == first["task_id"]
    assert again["answer"] == first["answer"] == _WORDS
    assert len(world.upstream.asked) == 1
    other = world.http.post("/v1/chat-messages", json={**body, "query": "else"}, headers=headers)
    assert other.status_code == 409


def test_a_repeated_import_is_one_app(world: World) -> None:
    one, two = world.import_app(greeting()), world.import_app(greeting())
    assert (one.app_id, one.key) == (two.app_id, two.key)


def _read_until_text(events: Iterator[SentEvent], seen: list[SentEvent]) -> None:
    for event in events:
        seen.append(event)
        if event.kind == "message":
            return
