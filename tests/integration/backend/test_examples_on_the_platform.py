"""The examples as they stand, on all four services, with the clients that people have."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from dify_client import ChatClient

from deploy.local.layout import CHECKOUT
from tests.support.platform import Platform, running_platform

EXAMPLES = CHECKOUT / "examples"
TICKET = (EXAMPLES / "support_triage" / "ticket.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("examples")) as running:
        yield running


def imported(platform: Platform, path: Path) -> dict[str, Any]:
    answer = httpx.post(
        f"{platform.url}/api/apps/import",
        params={"publish": "true"},
        content=path.read_bytes(),
        headers={"Authorization": f"Bearer {platform.admin_token}"},
        timeout=30,
    )
    answer.raise_for_status()
    assert answer.json()["report"]["errors"] == []
    return answer.json()


def run(platform: Platform, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    app = imported(platform, EXAMPLES / "small" / name)
    answer = httpx.post(
        f"{platform.url}/v1/workflows/run",
        json={"inputs": inputs, "user": "u"},
        headers={"Authorization": f"Bearer {app['api_key']}"},
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json()["data"]


@pytest.mark.slow
def test_small_examples(platform: Platform) -> None:
    assert run(platform, "echo.yml", {"text": "hello"})["outputs"] == {"text": "hello"}
    greeting = run(platform, "greeting.yml", {"name": "Ada", "times": "2"})
    assert greeting["outputs"] == {"greeting": "Hello, Ada!\nHello, Ada!"}
    letter = "Please refund invoice INV-20931 now. Write to ada@example.org."
    attachments = ["b.pdf", "x.png", "c.pdf", "a.pdf"]
    intake = run(platform, "intake.yml", {"letter": letter, "attachments": attachments})
    assert intake["outputs"] == {
        "kind": "Refunds",
        "invoice": "INV-20931",
        "email": "ada@example.org",
        "urgent": True,
        "attachments": ["a.pdf", "b.pdf"],
    }
    other = run(platform, "intake.yml", {"letter": "When do you open?"})
    assert other["outputs"] == {"kind": "Others"}


@pytest.mark.slow
def test_support_triage_streams_its_note(platform: Platform) -> None:
    app = imported(platform, EXAMPLES / "support_triage" / "app.yml")
    with httpx.stream(
        "POST",
        f"{platform.url}/v1/chat-messages",
        json={
            "inputs": {"ticket": TICKET},
            "query": "Please look at this ticket.",
            "user": "u",
            "response_mode": "streaming",
        },
        headers={"Authorization": f"Bearer {app['api_key']}"},
        timeout=30,
    ) as answer:
        events = [
            json.loads(line.removeprefix("data: "))
            for line in answer.iter_lines()
            if line.startswith("data: ")
        ]
    assert events[-1]["event"] == "workflow_finished"
    assert events[-1]["data"]["status"] == "succeeded", events[-1]
    pieces = [event["answer"] for event in events if event["event"] == "message"]
    assert len(pieces) > 5, "the model's words stream one by one"
    text = "".join(pieces)
    assert text == events[-1]["data"]["outputs"]["answer"]
    for line in (
        "category: billing",
        "order: LMP-20417",
        "amount: $89.50",
        "date: 2026-03-14",
        "email: mira.lindqvist@example.com",
        "Priority: high",
        "Next step: compare the charge with the order, then refund or explain.",
    ):
        assert line in text
    trace = httpx.get(
        f"{platform.url}/api/runs/{events[-1]['workflow_run_id']}/trace",
        headers={"Authorization": f"Bearer {platform.admin_token}"},
    ).json()
    assert {node["node_id"]: node["status"] for node in trace["nodes"]} == dict.fromkeys(
        ["start", "parse", "readable", "triage", "note", "answer"], "succeeded"
    )


@pytest.mark.slow
def test_an_empty_ticket_takes_the_other_branch(platform: Platform) -> None:
    app = imported(platform, EXAMPLES / "support_triage" / "app.yml")
    client: Any = ChatClient(app["api_key"])  # the library has no types
    client.base_url = f"{platform.url}/v1"
    answer = client.create_chat_message({"ticket": "Subject: x\n"}, "Look.", "u")
    told = answer.json()
    assert told["answer"].startswith("This ticket has no text"), told
    messages = client.get_conversation_messages("u", told["conversation_id"])
    assert messages.json()["data"][0]["query"] == "Look."
    renamed = client.rename_conversation(told["conversation_id"], "Tickets", "u")
    assert renamed.json()["name"] == "Tickets"
    listed = client.get_conversations("u")
    assert listed.json()["data"][0]["name"] == "Tickets"
    form = client.get_application_parameters("u")
    assert form.json()["user_input_form"][0]["paragraph"]["variable"] == "ticket"


@pytest.mark.slow
def test_openais_client_reaches_the_models(platform: Platform) -> None:
    with openai.OpenAI(
        base_url=f"{platform.url}/v1", api_key=platform.workspace_key, max_retries=0
    ) as client:
        assert "demo/demo-chat" in [model.id for model in client.models.list()]
        whole = client.chat.completions.create(
            model="demo/demo-chat", messages=[{"role": "user", "content": "Hello there."}]
        )
        said = whole.choices[0].message.content
        assert said
        stream = client.chat.completions.create(
            model="demo/demo-chat",
            messages=[{"role": "user", "content": "Hello there."}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert "".join(pieces) == said
        assert chunks[-1].usage is not None
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="demo/none", messages=[])
