"""The running platform as its users reach it: over HTTP, with keys, and with nothing else."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from tests.support.mail_server import MailServer
from tests.support.otlp_receiver import OtlpReceiver
from tests.support.platform import Platform
from tests.support.scripted_upstream import Script, ScriptedUpstream
from tests.support.scripted_web import ScriptedWeb

Json = dict[str, Any]
SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedApp:
    app_id: str
    mode: str
    key: str
    report: Json
    version_id: str | None

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentEvent:
    """One server-sent event; `id` is "" where none came."""

    id: str
    body: Json

    @property
    def kind(self) -> str:
        return str(self.body["event"])


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The platform, a model provider that says what a test wants, a collector of spans, a mail
    server and a receiver of webhooks."""

    platform: Platform
    upstream: ScriptedUpstream
    http: httpx.Client
    spans: OtlpReceiver
    mails: MailServer
    hooks: ScriptedWeb

    @property
    def url(self) -> str:
        return self.platform.url

    @property
    def admin(self) -> dict[str, str]:
        return bearer(self.platform.admin_token)

    def import_source(
        self, source: bytes, *, publish: bool = True, key: str | None = None
    ) -> httpx.Response:
        """POST /api/apps/import, whatever comes of it."""
        return self.http.post(
            "/api/apps/import",
            params={"publish": str(publish).lower()},
            content=source,
            headers=bearer(key) if key else self.admin,
        )

    def import_app(self, document: Json, *, publish: bool = True) -> ImportedApp:
        """An app; fails where the platform refuses the document."""
        answer = self.import_source(yaml.safe_dump(document).encode(), publish=publish)
        assert answer.is_success, answer.text
        told = answer.json()
        return ImportedApp(
            app_id=told["app_id"],
            mode=told["mode"],
            key=told["api_key"],
            report=told["report"],
            version_id=told["version_id"],
        )

    def run(self, app: ImportedApp, inputs: Json, **more: Any) -> httpx.Response:
        """POST /v1/workflows/run, blocking unless `more` says otherwise."""
        body = {"inputs": inputs, "user": "e2e", "response_mode": "blocking", **more}
        return self.http.post("/v1/workflows/run", json=body, headers=app.headers)

    def outcome(self, app: ImportedApp, inputs: Json) -> Json:
        """The `data` of a blocking run."""
        answer = self.run(app, inputs)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    def uploaded(self, app: ImportedApp, content: bytes, name: str = "given.txt") -> str:
        """The id of a new file of the user `e2e`."""
        answer = self.http.post(
            "/v1/files/upload",
            files={"file": (name, content, "text/plain")},
            data={"user": "e2e"},
            headers=app.headers,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def chat(self, app: ImportedApp, query: str, **more: Any) -> httpx.Response:
        """POST /v1/chat-messages, blocking unless `more` says otherwise."""
        body: Json = {
            "inputs": {},
            "query": query,
            "user": "e2e",
            "response_mode": "blocking",
            **more,
        }
        return self.http.post("/v1/chat-messages", json=body, headers=app.headers)

    @contextmanager
    def streamed(
        self, app: ImportedApp, path: str, body: Json, **headers: str
    ) -> Generator[Iterator[SentEvent]]:
        """The events of a streaming POST, as they come."""
        whole = {"user": "e2e", "response_mode": "streaming", **body}
        with self.http.stream(
            "POST", path, json=whole, headers={**app.headers, **headers}
        ) as answer:
            assert answer.status_code == 200, answer.read()
            yield events_of(answer)

    def resumed(self, app: ImportedApp, run_id: str, last_id: str) -> list[SentEvent]:
        """What GET /workflow/{id}/events tells a client that saw `last_id`."""
        with self.http.stream(
            "GET",
            f"/v1/workflow/{run_id}/events",
            params={"user": "e2e"},
            headers={**app.headers, "Last-Event-ID": last_id},
        ) as answer:
            assert answer.status_code == 200, answer.read()
            return list(events_of(answer))

    def provider(
        self, script: Script | None = None, *, url: str | None = None, key: str = "scripted"
    ) -> None:
        """Let the workspace's provider `openai` be at the scripted upstream (or at `url`)."""
        if script is not None:
            self.upstream.reset(script)
        self.http.put(
            "/api/providers/openai",
            json={"api_key": key, "base_url": url or self.upstream.url},
            headers=self.admin,
        ).raise_for_status()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def events_of(answer: httpx.Response) -> Iterator[SentEvent]:
    """Server-sent events, pings left out."""
    event_id = ""
    for line in answer.iter_lines():
        if line.startswith("id: "):
            event_id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield SentEvent(id=event_id, body=json.loads(line.removeprefix("data: ")))
            event_id = ""
