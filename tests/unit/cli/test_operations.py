"""The commands of an operator against a platform whose answers are written down."""

import json

import pytest
from pydantic import JsonValue

from tests.support.scripted_platform import ScriptedPlatform
from tests.unit.cli.test_commands import answer, heddle, platform

__all__ = ["platform"]

LETTER: dict[str, JsonValue] = {
    "id": 7,
    "tenant_id": None,
    "subject": "engine.ended.main",
    "consumer": "backend",
    "first_error": "RuntimeError: one",
    "last_error": "RuntimeError: two",
    "deliveries": 10,
    "buried_at": 0.0,
    "size": 12,
}
DEAD = "/api/operations/dead-letters"


def test_dead_letters_are_listed_shown_requeued_and_dropped(platform: ScriptedPlatform) -> None:
    opened = dict(LETTER)
    opened |= {"headers": {"Heddle-Tenant": "t"}, "body": "{", "truncated": True}
    platform.answers |= {
        f"GET {DEAD}": [answer({"dead_letters": [LETTER], "has_more": True})],
        f"GET {DEAD}/7": [answer(opened)],
        f"POST {DEAD}/7/requeue": [answer({"requeued": 1})],
        f"POST {DEAD}/requeue": [answer({"requeued": 3})],
        f"DELETE {DEAD}/7": [answer(None)],
    }
    listed = heddle("dead-letters", "list", "--subject", "engine.ended.main")
    assert "--after 7" in listed.stdout
    assert json.loads(heddle("dead-letters", "list", "--json").stdout) == LETTER
    shown = heddle("dead-letters", "show", "7")
    assert "first error: RuntimeError: one" in shown.stdout
    assert "Heddle-Tenant: t" in shown.stdout
    assert "12 bytes" in shown.stderr
    assert "1 message goes" in heddle("dead-letters", "requeue", "7").stdout
    assert "3 messages go" in heddle("dead-letters", "requeue", "--subject", "a.b").stdout
    assert heddle("dead-letters", "drop", "7").exit_code == 0
    lines = [request.line for request in platform.requests]
    assert lines[0] == f"GET {DEAD}?subject=engine.ended.main&after=0&limit=50"
    assert lines[-2:] == [f"POST {DEAD}/requeue?subject=a.b", f"DELETE {DEAD}/7"]


def test_a_requeue_names_one_letter_or_one_subject(platform: ScriptedPlatform) -> None:
    assert heddle("dead-letters", "requeue").exit_code == 2
    assert heddle("dead-letters", "requeue", "7", "--subject", "a").exit_code == 2
    assert platform.requests == []


def test_keys_are_listed_page_by_page_made_and_revoked(platform: ScriptedPlatform) -> None:
    def key(key_id: str) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"key_id": key_id, "kind": "app", "app_id": "a1"}
        return told | {"last4": "wxyz", "created_at": 0.0, "last_used_at": None}

    platform.answers |= {
        "GET /api/apps": [answer({"apps": [{"app_id": "a1", "mode": "workflow", "name": "x"}]})],
        "GET /api/keys": [
            answer({"keys": [key("k1")], "has_more": True}),
            answer({"keys": [key("k2")], "has_more": False}),
        ],
        "POST /api/apps/a1/keys": [answer({"key_id": "k3", "api_key": "app-secret"}, 201)],
        "DELETE /api/keys/k1": [answer(None)],
    }
    listed = heddle("keys", "list", "--json")
    assert [json.loads(line)["key_id"] for line in listed.stdout.splitlines()] == ["k1", "k2"]
    assert platform.requests[1].line == "GET /api/keys?after=k1&limit=200"
    made = heddle("keys", "create", "x")
    assert (made.stdout, "k3" in made.stderr) == ("app-secret\n", True)
    assert heddle("keys", "revoke", "k1").exit_code == 0
    assert platform.requests[-1].line == "DELETE /api/keys/k1"


def test_providers_are_listed_with_what_they_take(platform: ScriptedPlatform) -> None:
    told: dict[str, JsonValue] = {
        "name": "openai",
        "title": "OpenAI",
        "base_url": None,
        "fields": [{"name": "api_key", "required": True}],
        "any_model": False,
        "known": True,
        "configured": False,
        "revision": 0,
    }
    platform.answers["GET /api/providers"] = [answer({"providers": [told]})]
    shown = heddle("provider", "list").stdout
    assert "api_key*" in shown
    assert json.loads(heddle("provider", "list", "--json").stdout)["configured"] is False


def test_a_misspelt_provider_is_told_with_what_was_meant(platform: ScriptedPlatform) -> None:
    problem: dict[str, JsonValue] = {
        "code": "invalid_input",
        "detail": "there is no provider `opnai`; did you mean `openai`?",
    }
    platform.answers["PUT /api/providers/opnai"] = [answer(problem, 400)]
    result = heddle("provider", "set", "opnai", "--api-key", "sk")
    assert result.exit_code == 1
    assert "did you mean `openai`" in result.stderr


def test_runs_set_aside_are_listed_and_resumed(platform: ScriptedPlatform) -> None:
    run: dict[str, JsonValue] = {"run_id": "r1", "app_id": "a1", "status": "quarantined"}
    run |= {"created_at": 0.0, "finished_at": None, "error": "signal 9"}
    platform.answers |= {
        "GET /api/runs": [answer({"runs": [run], "has_more": True})],
        "POST /api/runs/r1/resume": [answer({"run_id": "r1", "status": "queued"}, 202)],
        "GET /api/runs/r1": [answer(run | {"evidence": "signal 9"})],
        "GET /api/runs/r1/trace": [answer({"run": {}, "nodes": []})],
    }
    listed = heddle("runs", "list", "--status", "quarantined")
    assert "--before r1" in listed.stdout
    assert platform.requests[0].line == "GET /api/runs?status=quarantined&limit=50"
    assert "r1 is queued" in heddle("runs", "resume", "r1").stdout
    assert "Set aside: signal 9" in heddle("runs", "show", "r1").stdout


def test_a_narrow_terminal_cuts_nothing(
    platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    run_id, app_id = "01a1fe52-a61d-7f45-8e03-b9afc15eb164", "01a1fe52-a566-7576-a659-60c6594de578"
    why = "quarantined: five workers died with it, the last of them in the node `model`"
    run: dict[str, JsonValue] = {"run_id": run_id, "app_id": app_id, "status": "quarantined"}
    run |= {"created_at": 0.0, "finished_at": None, "error": why}
    platform.answers |= {"GET /api/runs": [answer({"runs": [run], "has_more": False})]}
    (line,) = [each for each in heddle("runs", "list").stdout.splitlines() if run_id in each]
    assert app_id in line
    assert why in line
