"""A conversation over several turns, through the public API: what it remembers, shows and takes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.conformance.own_cases import GRAPHS
from tests.conformance.runner import Runner

Json = dict[str, Any]
_SECONDS = 60.0
_USER = "rememberer"


class Chat:
    """One app, asked by one end user."""

    def __init__(self, http: httpx.Client, key: str) -> None:
        self._http = http
        self._key = {"Authorization": f"Bearer {key}"}

    def say(self, query: str, conversation: str = "", user: str = _USER) -> Json:
        body: Json = {
            "query": query,
            "inputs": {},
            "user": user,
            "conversation_id": conversation,
            "response_mode": "blocking",
        }
        answer = self._http.post("/v1/chat-messages", json=body, headers=self._key)
        assert answer.is_success, answer.text
        return answer.json()

    def variables(self, conversation: str, **params: Any) -> httpx.Response:
        path = f"/v1/conversations/{conversation}/variables"
        return self._http.get(path, params={"user": _USER, **params}, headers=self._key)

    def change(self, conversation: str, variable: str, value: Any, user: str = _USER) -> Any:
        path = f"/v1/conversations/{conversation}/variables/{variable}"
        body = {"value": value, "user": user}
        return self._http.put(path, json=body, headers=self._key)


@pytest.fixture
def http(runner: Runner) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=runner.platform.url, timeout=_SECONDS) as made:
        yield made


@pytest.fixture
def chat(runner: Runner, http: httpx.Client) -> Chat:
    return Chat(http, _published(runner, http, (GRAPHS / "remembering.yml").read_text()))


def _published(runner: Runner, http: httpx.Client, document: str) -> str:
    answer = http.post(
        "/api/apps/import",
        params={"publish": "true"},
        content=document,
        headers={"Authorization": f"Bearer {runner.platform.admin_token}"},
    )
    assert answer.is_success, answer.text
    return answer.json()["api_key"]


def test_a_turn_remembers_the_turns_before_it(chat: Chat) -> None:
    first = chat.say("hello")
    conversation = first["conversation_id"]
    second = chat.say("what!", conversation)
    third = chat.say("well", conversation)
    assert first["answer"] == "1 calm False\n- hello"
    assert second["answer"] == "2 excited True\n- hello\n- what!"
    assert third["answer"] == "3 excited True\n- hello\n- what!\n- well"
    assert chat.say("hello")["answer"] == first["answer"]


def test_its_variables_are_listed_in_pages(chat: Chat) -> None:
    conversation = chat.say("hello")["conversation_id"]
    page = chat.variables(conversation).json()
    assert (page["limit"], page["has_more"]) == (20, False)
    shown = {each["name"]: each for each in page["data"]}
    assert [*shown] == ["turns", "said", "mood", "notes"]
    assert {name: (each["value_type"], each["value"]) for name, each in shown.items()} == {
        "turns": ("number", "1"),
        "said": ("array[string]", '["hello"]'),
        "mood": ("string", "calm"),
        "notes": ("object", '{"shouted": false}'),
    }
    assert shown["turns"]["id"] == "0f1b2c3d-0000-4000-8000-000000000001"
    assert shown["turns"]["description"] == "turns so far"
    assert all(isinstance(each["updated_at"], int) for each in shown.values())
    first = chat.variables(conversation, limit=3).json()
    rest = chat.variables(conversation, limit=3, last_id=first["data"][-1]["id"]).json()
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert first["data"] + rest["data"] == page["data"]
    (only,) = chat.variables(conversation, variable_name="mood").json()["data"]
    assert only == shown["mood"]
    assert chat.variables(conversation, last_id="nobody").status_code == 404


def test_a_value_from_outside_is_what_the_next_turn_finds(chat: Chat) -> None:
    conversation = chat.say("hello")["conversation_id"]
    changed = chat.change(conversation, "mood", "grim")
    assert changed.is_success, changed.text
    assert (changed.json()["name"], changed.json()["value"]) == ("mood", "grim")
    answer = chat.say("again", conversation)["answer"]
    assert answer == "2 grim False\n- hello\n- again"


@pytest.mark.parametrize(
    ("variable", "value", "status", "told"),
    [
        ("mood", 5, 400, "Type mismatch: variable 'mood' expects string, but got integer type"),
        ("said-so-far", ["a", 1], 400, "expects array[string], but got array[any] type"),
        ("mood", "x" * 204_801, 400, "variable size 204801 exceeds limit 204800"),
        ("nobody", "x", 404, "Conversation Variable Not Exists."),
    ],
)
def test_a_value_that_is_none_for_the_variable_is_refused(
    chat: Chat, variable: str, value: Any, status: int, told: str
) -> None:
    conversation = chat.say("hello")["conversation_id"]
    answer = chat.change(conversation, variable, value)
    assert answer.status_code == status
    assert told in answer.json()["message"]
    assert answer.json()["code"] == ("invalid_param" if status == 400 else "not_found")


def test_nobody_else_sees_or_changes_them(runner: Runner, http: httpx.Client, chat: Chat) -> None:
    conversation = chat.say("hello")["conversation_id"]
    assert chat.variables(conversation, user="somebody else").status_code == 404
    assert chat.change(conversation, "mood", "grim", user="somebody else").status_code == 404
    document = yaml.safe_load((GRAPHS / "remembering.yml").read_text())
    document["app"]["name"] = "another app"
    other = Chat(http, _published(runner, http, yaml.safe_dump(document)))
    assert other.variables(conversation).status_code == 404
    assert other.change(conversation, "mood", "grim").status_code == 404


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ({"value_type": "number", "value": "5"}, "its first value is no number"),
        ({"value_type": "array[string]", "value": ["a", 1]}, "its first value is no array[string]"),
        ({"value_type": "tensor", "value": "x"}, "not supported value type tensor"),
        ({"value_type": "string", "value": "x" * 204_801}, "variable size 204801 exceeds limit"),
    ],
)
def test_what_cannot_be_kept_is_not_published(
    runner: Runner, http: httpx.Client, variable: Json, told: str
) -> None:
    document = yaml.safe_load((GRAPHS / "remembering.yml").read_text())
    document["workflow"]["conversation_variables"].append({"id": "w", "name": "w", **variable})
    answer = http.post(
        "/api/apps/import",
        params={"publish": "true"},
        content=yaml.safe_dump(document),
        headers={"Authorization": f"Bearer {runner.platform.admin_token}"},
    )
    assert told in answer.text
    assert not answer.json().get("version_id")
