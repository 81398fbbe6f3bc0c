"""A workflow with several triggers, run through the native door from each of them."""

from typing import Any

import httpx
import pytest
import yaml

from tests.conformance.own_cases import GRAPHS
from tests.conformance.runner import Runner

pytestmark = pytest.mark.xdist_group("conformance")
_SECONDS = 60.0


@pytest.fixture
def http(runner: Runner) -> httpx.Client:
    return httpx.Client(
        base_url=runner.platform.url,
        headers={"Authorization": f"Bearer {runner.platform.admin_token}"},
        timeout=_SECONDS,
    )


def _import(http: httpx.Client, document: Any) -> dict[str, Any]:
    content = yaml.safe_dump(document)
    answer = http.post("/api/apps/import", params={"publish": "true"}, content=content)
    assert answer.is_success, answer.text
    return answer.json()


def _document() -> Any:
    return yaml.safe_load((GRAPHS / "triggered.yml").read_text())


def test_each_trigger_runs_what_it_leads_to(http: httpx.Client) -> None:
    with http:
        app_id = _import(http, _document())["app_id"]
        door = f"/api/apps/{app_id}/runs?wait={_SECONDS}"
        request = {"headers": {"x-shop": "Loom"}, "body": {"order": {"id": 1}}}
        hook = http.post(door, json={"inputs": {"webhook_data": request}, "root": "hook"}).json()
        assert hook["outputs"]["said"] == "Loom: 1 None"
        assert hook["outputs"]["nightly"] is None
        clock = http.post(door, json={"root": "clock"}).json()
        assert clock["outputs"]["said"] is None
        assert clock["outputs"]["nightly"].startswith("at 1")
        trace = http.get(f"/api/runs/{clock['run_id']}/trace").json()
        assert [each["node_id"] for each in trace["nodes"]] == ["clock", "nightly", "end"]


def test_a_request_that_does_not_fit_begins_nothing(http: httpx.Client) -> None:
    with http:
        app_id = _import(http, _document())["app_id"]
        refused = http.post(f"/api/apps/{app_id}/runs", json={"inputs": {"webhook_data": {}}})
        assert (refused.status_code, refused.json()["code"]) == (400, "input_refused")
        pointer = refused.json()["errors"][0]["pointer"]
        assert pointer == "/inputs/webhook_data/headers/X-Shop"


def test_what_is_wrong_with_triggers_is_told_at_the_import(http: httpx.Client) -> None:
    document = _document()
    nodes = document["workflow"]["graph"]["nodes"]
    nodes[1]["data"] |= {"mode": "cron", "cron_expression": "0 25 * * *"}
    nodes.append({"id": "start", "data": {"type": "start", "title": "Start"}})
    with http:
        told = _import(http, document)
    found = {(each["code"], each["node_id"], each["field"]) for each in told["report"]["errors"]}
    assert found == {
        ("schedule_wrong", "clock", "cron_expression"),
        ("trigger_beside_start", "hook", "type"),
        ("trigger_beside_start", "clock", "type"),
    }
