"""A platform with two tenants; the first one owns something of everything."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.security.graphs import asking_people, chat, template
from tests.security.second_tenant import TenantKeys
from tests.support.platform import Platform

PROVIDER_SECRET = "sk-do-not-tell-anybody-4711"
SAID = "xylophone"
"""Stands in the first tenant's inputs, answers and messages."""

Json = dict[str, Any]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What a tenant owns."""

    app_id: str
    app_key: str
    version_id: str
    run_id: str
    chat_id: str
    chat_key: str
    chat_run_id: str
    conversation_id: str
    message_id: str
    form_id: str
    form_token: str
    file_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`first` belongs to the first tenant; `second` are the keys of the other one, `others_app`
    and `others_chat` the keys of its own apps. `letter_id` is a dead letter of the first one."""

    platform: Platform
    http: httpx.Client
    first: Belongings
    second: TenantKeys
    others_app: str
    others_chat: str
    letter_id: int

    def imported(self, source: bytes, *, key: str | None = None) -> Json:
        return imported(self.http, source, key or self.platform.admin_token)

    def run(self, app_key: str, **inputs: str) -> Json:
        """The `data` of a blocking run."""
        return ran(self.http, app_key, **inputs)["data"]


def imported(http: httpx.Client, source: bytes, key: str) -> Json:
    answer = http.post(
        "/api/apps/import", params={"publish": "true"}, content=source, headers=bearer(key)
    )
    assert answer.is_success, answer.text
    return answer.json()


def ran(http: httpx.Client, app_key: str, **inputs: str) -> Json:
    body = {"inputs": inputs, "user": "owner", "response_mode": "blocking"}
    answer = http.post("/v1/workflows/run", json=body, headers=bearer(app_key))
    assert answer.is_success, answer.text
    return answer.json()


def talked(http: httpx.Client, app_key: str) -> Json:
    body: Json = {"inputs": {}, "query": SAID, "user": "owner", "response_mode": "blocking"}
    answer = http.post("/v1/chat-messages", json=body, headers=bearer(app_key))
    assert answer.is_success, answer.text
    return answer.json()


def uploaded(http: httpx.Client, app_key: str) -> str:
    """The id of a file of the user `owner`."""
    answer = http.post(
        "/v1/files/upload",
        files={"file": ("said.txt", SAID.encode(), "text/plain")},
        data={"user": "owner"},
        headers=bearer(app_key),
    )
    assert answer.is_success, answer.text
    return answer.json()["id"]


def belongings(http: httpx.Client, workspace_key: str) -> Belongings:
    """Import, run, talk, and store a provider's key."""
    app = imported(http, template("hi {{ x }}"), workspace_key)
    run = ran(http, app["api_key"], x=SAID)
    talk = imported(http, chat(), workspace_key)
    said = talked(http, talk["api_key"])
    asks = imported(http, asking_people(SAID), workspace_key)
    (asked,) = ran(http, asks["api_key"])["data"]["reasons"]
    return Belongings(
        app_id=app["app_id"],
        app_key=app["api_key"],
        version_id=app["version_id"],
        run_id=run["workflow_run_id"],
        chat_id=talk["app_id"],
        chat_key=talk["api_key"],
        chat_run_id=said["workflow_run_id"],
        conversation_id=said["conversation_id"],
        message_id=said["message_id"],
        form_id=asked["form_id"],
        form_token=asked["form_token"],
        file_id=uploaded(http, app["api_key"]),
    )
