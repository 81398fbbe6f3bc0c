"""The platform's native API, as a client of the workspace calls it."""

from typing import Any

import httpx
import yaml

from tests.conformance.runner import Runner
from tests.support.scripted_upstream import Answer, Asked
from tests.support.scripted_web import WebReply

Json = dict[str, Any]
SECONDS = 60.0


class Caller:
    """The platform's native API, and what its world was asked."""

    def __init__(self, runner: Runner, http: httpx.Client) -> None:
        self._runner = runner
        self._http = http
        runner.upstream.reset(lambda asked: Answer(text=f"said {first_line(asked)}"))
        runner.web.asked.clear()
        runner.web.script = lambda asked: WebReply(
            body=b"got " + asked.body, headers={"Content-Type": "text/plain"}
        )

    @property
    def asked(self) -> tuple[int, int]:
        """Calls of models, requests to the web."""
        return len(self._runner.upstream.asked), len(self._runner.web.asked)

    def app(self, document: Json, *, publish: bool = True) -> str:
        answer = self._http.post(
            "/api/apps/import",
            params={"publish": str(publish).lower()},
            content=yaml.safe_dump(document),
        )
        assert answer.is_success, answer.text
        assert bool(answer.json()["version_id"]) is publish, answer.text
        return answer.json()["app_id"]

    def run(self, app_id: str, **inputs: Any) -> str:
        """The id of a run that has ended."""
        answer = self.post(f"/api/apps/{app_id}/runs?wait={SECONDS}", {"inputs": inputs})
        return answer.json()["run_id"]

    def post(self, path: str, body: Json | None = None, **headers: str) -> httpx.Response:
        return self._http.post(path, json=body, headers=headers)

    def get(self, path: str) -> Json:
        answer = self._http.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def begin(self, run_id: str, verb: str, body: Json | None = None, **more: Any) -> Json:
        """Preview, start what was shown, and wait for its end."""
        shown = self.post(f"/api/runs/{run_id}/{verb}/preview", body)
        assert shown.is_success, shown.text
        asked = {**(body or {}), "digest": shown.json()["digest"], **more}
        begun = self.post(f"/api/runs/{run_id}/{verb}", asked)
        assert begun.status_code == 202, begun.text
        return self.ended(begun.json()["run_id"])

    def ended(self, run_id: str) -> Json:
        """The run once it has ended, which its stream of events tells."""
        with self._http.stream("GET", f"/api/runs/{run_id}/events") as events:
            for _ in events.iter_lines():
                pass
        return self.get(f"/api/runs/{run_id}")

    def messages(self, key: str, conversation_id: str) -> list[Json]:
        """What an app's client sees of its conversation."""
        answer = self._http.get(
            "/v1/messages",
            params={"user": "DEFAULT-USER", "conversation_id": conversation_id},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def nodes(self, run_id: str) -> dict[str, Json]:
        return {node["node_id"]: node for node in self.get(f"/api/runs/{run_id}/trace")["nodes"]}


def first_line(asked: Asked) -> str:
    return asked.prompt.partition("\n")[0]
