"""`heddle forms` and `heddle runs pause`, against answers that are written down."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue
from typer.testing import CliRunner, Result

from cli.main import app
from tests.support.scripted_platform import Answer, ScriptedPlatform, serving

FORM: dict[str, JsonValue] = {
    "form_id": "f1",
    "run_id": "r1",
    "title": "Approve",
    "status": "open",
    "opened_at": 0.0,
    "expires_at": 60.0,
    "actor": None,
    "action": None,
}
WHOLE: dict[str, Any] = FORM | {
    "content": "Pay 7?",
    "digest": "d1",
    "fields": [{"name": "when", "type": "select", "default": "now", "options": ["now", "later"]}],
    "actions": [{"id": "yes", "title": "Yes"}],
    "link": "/review/t1",
}


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedPlatform]:
    monkeypatch.setenv("HEDDLE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("HEDDLE_ADMIN_TOKEN", "adm-token")
    with serving(ScriptedPlatform(answers={})) as platform:
        monkeypatch.setenv("HEDDLE_URL", platform.url)
        yield platform


def heddle(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def _answer(value: JsonValue, status: int = 200) -> Answer:
    return Answer(body=json.dumps(value).encode(), status=status)


def test_forms_are_listed_as_one_object_a_line(platform: ScriptedPlatform) -> None:
    platform.answers["GET /api/forms"] = [_answer({"forms": [FORM], "has_more": False})]
    told = heddle("forms", "list", "--status", "open", "--run", "r1", "--json")
    assert json.loads(told.stdout) == FORM
    assert platform.requests[0].line == "GET /api/forms?status=open&run_id=r1&limit=50"


def test_a_form_is_shown_with_its_link(platform: ScriptedPlatform) -> None:
    platform.answers["GET /api/forms/f1"] = [_answer(WHOLE)]
    shown = heddle("forms", "show", "f1").stdout
    assert "Pay 7?" in shown
    assert "field when: select of now, later, 'now' where it is not given" in shown
    assert "action yes: Yes" in shown
    assert f"{platform.url}/review/t1" in shown


def test_a_form_is_shown_with_its_answer(platform: ScriptedPlatform) -> None:
    assert "answered" not in shown(platform, WHOLE)
    answer = {"status": "submitted", "actor": "ann", "action": "yes"}
    told = shown(platform, WHOLE | answer | {"inputs": {"why": "due", "when": ["now"]}})
    assert 'answered by ann: yes\n  why: due\n  when: ["now"]\n' in told


def shown(platform: ScriptedPlatform, form: dict[str, Any]) -> str:
    platform.answers["GET /api/forms/f1"] = [_answer(form)]
    return heddle("forms", "show", "f1").stdout


def test_an_answer_is_sent_with_what_was_given(platform: ScriptedPlatform) -> None:
    platform.answers["POST /api/forms/f1/submit"] = [
        _answer({"form_id": "f1", "run_id": "r1", "run_status": "queued"}, 202)
    ]
    given = ("--action", "yes", "--input", "why=a=b", "--actor", "ann", "--digest", "d1")
    told = heddle("forms", "submit", "f1", *given)
    assert told.stdout == "Taken. Run r1 is queued.\n"
    assert json.loads(platform.requests[0].body) == {
        "action": "yes",
        "inputs": {"why": "a=b"},
        "actor": "ann",
        "digest": "d1",
    }


def test_an_input_without_a_name_is_refused_before_anything_is_sent(
    platform: ScriptedPlatform,
) -> None:
    told = heddle("forms", "submit", "f1", "--action", "yes", "--input", "because")
    assert told.exit_code == 1
    assert "NAME=TEXT" in told.stderr
    assert platform.requests == []


def test_a_run_is_paused_with_a_reason(platform: ScriptedPlatform) -> None:
    platform.answers["POST /api/runs/r1/pause"] = [
        _answer({"run_id": "r1", "status": "running"}, 202)
    ]
    told = heddle("runs", "pause", "r1", "--reason", "lunch")
    assert told.stdout == "Run r1 is running.\n"
    assert json.loads(platform.requests[0].body) == {"reason": "lunch"}
