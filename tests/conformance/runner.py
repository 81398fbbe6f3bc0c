"""Runs a case through the public API: import, publish, run, read the stream."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import httpx
import yaml
from pydantic import JsonValue

from tests.conformance.case import MODEL_TYPES, Case, Json, nodes_of
from tests.support.platform import Platform
from tests.support.scripted_upstream import Answer, Asked, ScriptedUpstream
from tests.support.scripted_web import ScriptedWeb

_SECONDS = 60.0
_MODEL_PREFIX = "scripted-"
_USER = "conformance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a client saw."""

    status: str
    outputs: Json
    error: str | None
    exceptions: int
    stream: str
    events: list[dict[str, Any]]
    images: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A platform whose provider `openai` and whose whole web are scripted."""

    platform: Platform
    upstream: ScriptedUpstream
    web: ScriptedWeb

    def run(self, case: Case) -> Outcome:
        """Import, publish and run `case`, streaming."""
        self._follow(case)
        app = self._published(case)
        inputs = {**case.inputs, **self._uploaded(case, app["api_key"])}
        outcome = self._streamed(replace(case, inputs=inputs), app["api_key"], app["mode"])
        return replace(outcome, images=[*_images(self.upstream.asked)])

    def _uploaded(self, case: Case, key: str) -> Json:
        found: Json = {}
        for name, upload in case.uploads.items():
            answer = httpx.post(
                f"{self.platform.url}/v1/files/upload",
                files={"file": (upload.filename, upload.content, upload.mime_type)},
                data={"user": _USER},
                headers={"Authorization": f"Bearer {key}"},
                timeout=_SECONDS,
            )
            assert answer.status_code == 201, answer.text
            file: JsonValue = {
                "transfer_method": "local_file",
                "upload_file_id": answer.json()["id"],
            }
            found[name] = [file] if upload.several else file
        return found

    def _follow(self, case: Case) -> None:
        def script(asked: Asked) -> Answer:
            node = str(asked.body["model"]).removeprefix(_MODEL_PREFIX)
            return case.models.get(node, Answer(text="This is a mocked LLM response"))

        self.upstream.reset(script)
        self.web.script = lambda _: case.web

    def _published(self, case: Case) -> dict[str, str]:
        document = json.loads(json.dumps(case.document))  # anchors in YAML share nodes
        for node in nodes_of(document):
            if node.get("data", {}).get("type") in MODEL_TYPES:
                model = node["data"].setdefault("model", {})
                model["provider"] = "langgenius/openai/openai"
                model["name"] = f"{_MODEL_PREFIX}{node['id']}"
        answer = httpx.post(
            f"{self.platform.url}/api/apps/import",
            params={"publish": "true"},
            content=yaml.safe_dump(document, allow_unicode=True),
            headers=self._admin("application/yaml"),
            timeout=_SECONDS,
        )
        assert answer.is_success, answer.text
        return answer.json()

    def _streamed(self, case: Case, key: str, mode: str) -> Outcome:
        body: dict[str, JsonValue] = {
            "inputs": case.inputs,
            "user": _USER,
            "response_mode": "streaming",
        }
        path = "/v1/workflows/run"
        if mode == "advanced-chat":
            path, body = "/v1/chat-messages", {**body, "query": case.query}
        events: list[dict[str, Any]] = []
        with httpx.stream(
            "POST",
            f"{self.platform.url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_SECONDS,
        ) as answer:
            if not answer.is_success:
                raise AssertionError(answer.read().decode())
            events.extend(
                json.loads(line.removeprefix("data: "))
                for line in answer.iter_lines()
                if line.startswith("data: ")
            )
        return _outcome(events)

    def _admin(self, content_type: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.platform.admin_token}",
            "Content-Type": content_type,
        }


def _outcome(events: list[dict[str, Any]]) -> Outcome:
    finished = [event for event in events if event["event"] == "workflow_finished"]
    assert len(finished) == 1, events
    data = finished[0]["data"]
    return Outcome(
        status=data["status"],
        outputs=cast("Json", data["outputs"] or {}),
        error=data["error"],
        exceptions=data.get("exceptions_count") or 0,
        stream=visible_text(events),
        events=events,
    )


def _images(asked: Sequence[Asked]) -> Iterator[str]:
    for call in asked:
        for message in cast("list[dict[str, Any]]", call.body["messages"]):
            for part in message["content"] or ():
                if isinstance(part, dict) and "image_url" in part:
                    yield cast("dict[str, Any]", part)["image_url"]["url"]


def visible_text(events: list[dict[str, Any]]) -> str:
    """The text as a client shows it, replacements applied."""
    text = ""
    for event in events:
        match event["event"]:
            case "text_chunk":
                text += event["data"]["text"]
            case "message":
                text += event["answer"]
            case "text_replace":
                text = event["data"]["text"]
            case "message_replace":
                text = event["answer"]
            case _:
                pass
    return text


def check(case: Case, outcome: Outcome) -> None:
    """Assert that `outcome` is what `case` expects."""
    expected = case.expected
    assert outcome.status == expected.status, (outcome.status, outcome.error)
    if expected.error is not None:
        assert expected.error in (outcome.error or ""), outcome.error
    if expected.outputs is not None and expected.status != "failed":
        seen = {key: outcome.outputs.get(key, "(absent)") for key in expected.outputs}
        assert seen == expected.outputs
        assert_same_types(seen, expected.outputs)
    if expected.exceptions is not None:
        assert outcome.exceptions == expected.exceptions
    if expected.images is not None:
        assert outcome.images == expected.images
    if expected.stream is not None:
        assert outcome.stream == expected.stream


def assert_same_types(seen: JsonValue, expected: JsonValue) -> None:
    """1, 1.0 and True are equal in Python and are not the same output."""
    assert type(seen) is type(expected), (seen, expected)
    if isinstance(seen, dict) and isinstance(expected, dict):
        for key, value in expected.items():
            assert_same_types(seen[key], value)
    elif isinstance(seen, list) and isinstance(expected, list):
        for one, other in zip(seen, expected, strict=True):
            assert_same_types(one, other)
