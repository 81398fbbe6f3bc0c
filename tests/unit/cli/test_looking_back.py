"""Replays, forks, differences and single nodes, against a platform whose answers are written
down."""

import json
from typing import Any

import pytest

from tests.support.scripted_platform import ScriptedPlatform
from tests.unit.cli.test_commands import answer, heddle, platform

__all__ = ["platform"]

Json = dict[str, Any]


def executed(node_id: str, effect: str, reason: str, inside: str | None = None) -> Json:
    told: Json = {"node_id": node_id, "title": node_id, "node_type": "t"}
    return told | {"effect_class": effect, "reason": reason, "inside": inside}


def preview(*, unsafe: bool = False) -> Json:
    taken: Json = {"node_id": "draft", "title": "", "node_type": "llm", "status": "succeeded"}
    return {
        "run_id": "r1",
        "kind": "fork",
        "from_node": "send",
        "version_id": "v1",
        "inputs": {},
        "digest": "d" * 64,
        "needs_allow_unsafe": unsafe,
        "by_effect": {"unsafe" if unsafe else "pure": ["send"]},
        "executes": [
            executed("send", "unsafe" if unsafe else "pure", "chosen"),
            executed("deep", "model", "downstream", "each"),
        ],
        "takes": [taken | {"changed": True, "edited": ["text"]}],
        "gone": ["old"],
        "obstacles": [],
    }


def sent(platform: ScriptedPlatform, place: int) -> Json:
    return json.loads(platform.requests[place].body)


def test_a_fork_shows_what_executes_and_then_begins_it(platform: ScriptedPlatform) -> None:
    platform.answers |= {
        "POST /api/runs/r1/fork/preview": [answer(preview())],
        "POST /api/runs/r1/fork": [answer({"run_id": "r2", "status": "running"}, 202)],
        "GET /api/runs/r2": [answer({"status": "running"}), answer({"status": "succeeded"})],
    }
    told = heddle(
        *("runs", "fork", "r1", "--from", "send", "--input", "text=5", "--input", "n:=5"),
        *("--set", "draft.text=a=b", "--version", "v1"),
    )
    assert told.exit_code == 0, told.output
    assert "Run r2 is succeeded" in told.stdout
    for shown in ("deep (inside each)", "configured anew", "edited: text", "old"):
        assert shown in told.stdout
    body: Json = {
        "from_node": "send",
        "inputs": {"text": "5", "n": 5},
        "outputs": {"draft": {"text": "a=b"}},
        "version_id": "v1",
    }
    assert sent(platform, 0) == body
    assert sent(platform, 1) == body | {"digest": "d" * 64, "allow_unsafe": False}


def test_unsafe_effects_ask_for_a_yes(platform: ScriptedPlatform) -> None:
    platform.answers |= {
        "POST /api/runs/r1/replay/preview": [answer(preview(unsafe=True))],
        "POST /api/runs/r1/replay": [answer({"run_id": "r2", "status": "failed"}, 202)],
    }
    refused = heddle("runs", "replay", "r1")
    assert refused.exit_code == 1
    assert "--yes-unsafe" in refused.stderr
    assert len(platform.requests) == 1
    begun = heddle("runs", "replay", "r1", "--yes-unsafe", "--json")
    assert begun.exit_code == 1, "the new run failed"
    assert json.loads(begun.stdout)["status"] == "failed"
    assert sent(platform, 2)["allow_unsafe"] is True


def test_a_preview_begins_nothing_and_an_obstacle_is_told(platform: ScriptedPlatform) -> None:
    obstacle: Json = {"code": "not_reached", "message": "It did not come there.", "node_id": "x"}
    impeded: Json = preview() | {"obstacles": [obstacle]}
    platform.answers["POST /api/runs/r1/fork/preview"] = [
        answer(preview()),
        answer(impeded),
    ]
    shown = heddle("runs", "fork", "r1", "--from", "send", "--preview", "--json")
    assert json.loads(shown.stdout)["digest"] == "d" * 64
    stopped = heddle("runs", "fork", "r1", "--from", "x")
    assert (stopped.exit_code, "did not come there" in stopped.stderr) == (1, True)
    assert len(platform.requests) == 2


@pytest.mark.parametrize(
    "wrong", [("--input", "text"), ("--input", "n:=x"), ("--set", "draft=1"), ("--set", ".a=1")]
)
def test_values_that_cannot_be_read_are_refused_at_once(
    platform: ScriptedPlatform, wrong: tuple[str, str]
) -> None:
    assert heddle("runs", "fork", "r1", "--from", "send", *wrong).exit_code == 2
    assert platform.requests == []


def test_the_newest_version_is_found_by_its_app(platform: ScriptedPlatform) -> None:
    platform.answers |= {
        "GET /api/runs/r1": [answer({"status": "failed", "app_id": "a1"})],
        "GET /api/apps/a1": [answer({"version_id": "v9"})],
        "POST /api/runs/r1/fork/preview": [answer(preview())],
    }
    heddle("runs", "fork", "r1", "--from", "send", "--version", "published", "--preview")
    assert sent(platform, 2)["version_id"] == "v9"


def test_two_runs_are_shown_side_by_side(platform: ScriptedPlatform) -> None:
    def side(run_id: str) -> Json:
        told: Json = {"run_id": run_id, "version_id": "v1", "status": "succeeded", "error": None}
        return told | {"elapsed_seconds": 1.5, "total_tokens": 7}

    node: Json = {"status": "succeeded", "error": None, "elapsed_seconds": 0.5}
    node |= {"total_tokens": 0, "taken_from": "r1"}
    change: Json = {"pointer": "/outputs/x", "kind": "changed", "left": "1", "right": "2"}
    shown: Json = {"node_id": "n1", "frame_path": "it:0", "title": "", "type": "t", "same": False}
    shown |= {"only_in": None, "left": node, "right": None, "changes": [change] * 5}
    told: Json = {"left": side("r1"), "right": side("r2"), "same": False, "changes": [change]}
    told |= {"nodes": [shown | {"more_changes": False}], "whole": False}
    platform.answers["GET /api/runs/r1/diff/r2"] = [answer(told)]
    table = heddle("runs", "diff", "r1", "r2").stdout
    for part in ("n1 it:0", "succeeded (taken over) 0.500 s", "/outputs/x: 1 > 2", "and more"):
        assert part in table
    assert "more nodes" in table
    assert json.loads(heddle("runs", "diff", "r1", "r2", "--all", "--json").stdout) == told
    lines = [request.line for request in platform.requests]
    assert lines == ["GET /api/runs/r1/diff/r2?changed=true", "GET /api/runs/r1/diff/r2"]


def test_a_node_is_tried_alone(platform: ScriptedPlatform) -> None:
    node: Json = {"node_id": "n1", "status": "succeeded", "inputs": {}, "outputs": {"x": 1}}
    path = "POST /api/apps/a1/nodes/n1/test"
    platform.answers |= {
        "GET /api/apps": [answer({"apps": [{"app_id": "a1", "mode": "workflow", "name": "x"}]})],
        path: [
            answer({"run": {}, "nodes": [node]}),
            answer({"run": {}, "nodes": [node | {"status": "failed"}]}),
            answer({"run_id": "r1", "status": "running"}, 202),
        ],
    }
    told = heddle("node", "test", "x", "n1", "--set", "a.b=c", "--set", "a.n:=[1]")
    assert (told.exit_code, '"x": 1' in told.stdout) == (0, True)
    assert sent(platform, 1) == {"variables": {"a": {"b": "c", "n": [1]}}}
    assert platform.requests[1].line == f"{path}?wait=50.0"
    assert heddle("node", "test", "x", "n1").exit_code == 1
    late = heddle("node", "test", "x", "n1", "--version", "v1")
    assert (late.exit_code, "heddle runs show r1" in late.stderr) == (1, True)
    assert sent(platform, 5)["version_id"] == "v1"
