"""The commands against a platform whose answers are written down."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue
from typer.testing import CliRunner, Result

from cli.main import app
from tests.support.scripted_platform import Answer, ScriptedPlatform, serving

IMPORTED: dict[str, JsonValue] = {
    "app_id": "a1",
    "mode": "workflow",
    "name": "triage",
    "api_key": "app-secret",
    "version_id": "v1",
    "report": {"errors": [], "warnings": [{"node_id": "n1", "field": "x", "message": "unused"}]},
}
TRACE: dict[str, JsonValue] = {
    "run": {"id": "r1"},
    "nodes": [
        {
            "node_id": "n1",
            "title": "Classify",
            "type": "llm",
            "status": "succeeded",
            "elapsed_seconds": 0.25,
            "total_tokens": 42,
        }
    ],
}


def answer(value: JsonValue, status: int = 200) -> Answer:
    return Answer(body=json.dumps(value).encode(), status=status)


def stream(*events: dict[str, JsonValue], first: int = 1, breaks: bool = False) -> Answer:
    lines = ["event: ping\n\n"]
    for number, event in enumerate(events, first):
        told = {"workflow_run_id": "r1", "task_id": "r1"} | event
        lines.append(f"id: {number}.0\ndata: {json.dumps(told)}\n\n")
    return Answer(body="".join(lines).encode(), content_type="text/event-stream", breaks=breaks)


STARTED: dict[str, JsonValue] = {"event": "workflow_started", "data": {"id": "r1"}}
NODE: dict[str, JsonValue] = {
    "event": "node_finished",
    "data": {
        "node_id": "n1",
        "title": "Classify",
        "status": "succeeded",
        "elapsed_time": 0.25,
        "execution_metadata": {"total_tokens": 42},
    },
}
FINISHED: dict[str, JsonValue] = {
    "event": "workflow_finished",
    "data": {"status": "succeeded", "outputs": {"label": "refund"}, "elapsed_time": 0.5},
}


def chunk(text: str) -> dict[str, JsonValue]:
    return {"event": "text_chunk", "data": {"text": text}}


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedPlatform]:
    monkeypatch.setenv("HEDDLE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("HEDDLE_ADMIN_TOKEN", "adm-token")
    with serving(ScriptedPlatform(answers={})) as platform:
        monkeypatch.setenv("HEDDLE_URL", platform.url)
        yield platform


@pytest.fixture
def dsl(tmp_path: Path) -> Path:
    file = tmp_path / "app.yml"
    file.write_text("app: {mode: workflow}")
    return file


def heddle(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_import_prints_one_object_and_sends_the_file_as_it_is(
    platform: ScriptedPlatform, dsl: Path
) -> None:
    platform.answers["POST /api/apps/import"] = [answer(IMPORTED)]
    results = [heddle("import", dsl, "--publish", "--json") for _ in range(2)]
    told = json.loads(results[0].stdout)
    assert [told["app_id"], told["mode"], told["api_key"]] == ["a1", "workflow", "app-secret"]
    first, second = platform.requests
    assert first.line == "POST /api/apps/import?publish=true"
    assert first.headers["authorization"] == "Bearer adm-token"
    assert first.headers["content-type"] == "application/yaml"
    assert first.body == dsl.read_bytes()
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_an_import_that_could_not_be_published_fails_after_its_report(
    platform: ScriptedPlatform, dsl: Path
) -> None:
    report: JsonValue = {"errors": [{"node_id": "n2", "field": "type", "message": "unknown"}]}
    draft = IMPORTED | {"version_id": None, "report": report}
    platform.answers["POST /api/apps/import"] = [answer(draft)]
    result = heddle("import", dsl, "--publish")
    assert result.exit_code == 1
    assert "error: n2.type: unknown" in result.stdout
    assert "draft" in result.stderr
    assert heddle("import", dsl).exit_code == 0


def test_import_replaces_the_draft_of_an_app(platform: ScriptedPlatform, dsl: Path) -> None:
    platform.answers["GET /api/apps"] = [answer({"apps": [IMPORTED]})]
    replaced: dict[str, JsonValue] = {"app_id": "a1", "mode": "workflow", "name": "triage"}
    replaced |= {"revision": 4, "version_id": "v1", "published": True}
    platform.answers["PUT /api/apps/a1/draft"] = [answer(replaced)]
    result = heddle("import", dsl, "--app", "triage", "--publish", "--revision", "3")
    assert (result.exit_code, result.stdout) == (0, "The draft of `triage` (a1) is at 4 now.\n")
    sent = platform.requests[-1]
    assert sent.line == "PUT /api/apps/a1/draft?publish=true"
    assert (sent.headers["if-match"], sent.body) == ('"3"', dsl.read_bytes())
    draft = replaced | {"published": False}
    platform.answers["PUT /api/apps/a1/draft"] = [answer(draft)]
    told = json.loads(heddle("import", dsl, "--app", "a1", "--json").stdout)
    assert told["revision"] == 4
    assert "if-match" not in platform.requests[-1].headers
    assert heddle("import", dsl, "--app", "a1", "--publish").exit_code == 1
    assert heddle("import", dsl, "--revision", "3").exit_code == 2


def test_a_problem_document_becomes_one_clear_message(
    platform: ScriptedPlatform, dsl: Path
) -> None:
    problem: JsonValue = {
        "title": "Invalid input",
        "detail": "The document is not YAML.",
        "code": "dsl_invalid",
        "errors": [{"pointer": "/workflow", "detail": "line 3, column 1"}],
    }
    platform.answers["POST /api/apps/import"] = [answer(problem, 400)]
    result = heddle("import", dsl)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: The document is not YAML. [dsl_invalid]\n  /workflow: line 3, column 1\n"
    )


def test_run_uploads_files_and_names_them(
    platform: ScriptedPlatform, dsl: Path, tmp_path: Path
) -> None:
    form: JsonValue = [{"file": {"variable": "doc"}}, {"file-list": {"variable": "more"}}]
    platform.answers["POST /api/apps/import"] = [answer(IMPORTED)]
    platform.answers["GET /v1/parameters"] = [answer({"user_input_form": form})]
    platform.answers["POST /v1/files/upload"] = [
        answer({"id": file_id}, 201) for file_id in ("f1", "f2", "f3")
    ]
    platform.answers["POST /v1/workflows/run"] = [stream(STARTED, FINISHED)]
    for name in ("a.txt", "b.png"):
        (tmp_path / name).write_text("hello")
    given = [f"doc={tmp_path}/a.txt", f"more={tmp_path}/b.png", f"sys.files={tmp_path}/b.png"]
    files = [part for file in given for part in ("--file", file)]
    result = heddle("run", dsl, "--inputs", '{"x": 1}', *files)
    assert result.exit_code == 0, result.output
    upload = next(asked for asked in platform.requests if "upload" in asked.line)
    assert b'filename="a.txt"' in upload.body
    assert b"text/plain" in upload.body
    assert b"heddle-cli" in upload.body
    sent = json.loads(platform.requests[-1].body)
    one, two, three = (
        {"transfer_method": "local_file", "upload_file_id": file_id}
        for file_id in ("f1", "f2", "f3")
    )
    assert sent["inputs"] == {"x": 1, "doc": one, "more": [two]}
    assert sent["files"] == [three]


def test_run_tells_a_file_that_is_none(dsl: Path, tmp_path: Path) -> None:
    for file in ("doc", "=x", f"doc={tmp_path}/none.txt"):
        assert heddle("run", dsl, "--file", file).exit_code == 2


def test_run_streams_tokens_and_steps(platform: ScriptedPlatform, dsl: Path) -> None:
    platform.answers["POST /api/apps/import"] = [answer(IMPORTED)]
    platform.answers["POST /v1/workflows/run"] = [
        stream(STARTED, chunk("Dear "), chunk("[b]Ada[/b]"), NODE, FINISHED)
    ]
    result = heddle("run", dsl, "--inputs", '{"ticket": "late"}')
    assert result.exit_code == 0, result.output
    assert "Dear [b]Ada[/b]\n" in result.stdout
    assert "Classify: succeeded in 0.250 s, 42 tokens" in result.stdout
    assert "Run r1 succeeded in 0.50 s" in result.stdout
    sent = json.loads(platform.requests[-1].body)
    assert sent["inputs"] == {"ticket": "late"}
    assert sent["response_mode"] == "streaming"
    assert platform.requests[-1].headers["authorization"] == "Bearer app-secret"


def test_run_continues_where_a_broken_connection_left_off(
    platform: ScriptedPlatform, dsl: Path
) -> None:
    platform.answers["POST /api/apps/import"] = [answer(IMPORTED)]
    platform.answers["POST /v1/workflows/run"] = [stream(STARTED, chunk("one "), breaks=True)]
    platform.answers["GET /v1/workflow/r1/events"] = [
        stream(chunk("two "), first=3),
        stream(chunk("three"), FINISHED, first=4),
    ]
    result = heddle("run", dsl, "--json")
    assert json.loads(result.stdout)["answer"] == "one two three"
    resumed = [request for request in platform.requests if request.line.startswith("GET /v1")]
    assert [request.headers["last-event-id"] for request in resumed] == ["2.0", "3.0"]


def test_run_json_prints_one_object_and_fails_with_the_run(
    platform: ScriptedPlatform, dsl: Path
) -> None:
    failed: dict[str, JsonValue] = {
        "event": "workflow_finished",
        "data": {"status": "failed", "error": "no money left", "outputs": {}},
    }
    platform.answers["POST /api/apps/import"] = [answer(IMPORTED)]
    platform.answers["POST /v1/workflows/run"] = [stream(STARTED, failed)]
    result = heddle("run", dsl, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["run_id"], told["status"], told["error"]) == ("r1", "failed", "no money left")


def test_a_chat_app_is_found_by_name_and_needs_a_query(platform: ScriptedPlatform) -> None:
    platform.answers["GET /api/apps"] = [
        answer({"data": [{"id": "a2", "name": "helper", "mode": "advanced-chat"}]})
    ]
    platform.answers["POST /api/apps/a2/keys"] = [answer({"api_key": "app-two"}, 201)]
    platform.answers["POST /v1/chat-messages"] = [
        stream(STARTED, {"event": "message", "answer": "Hello"}, FINISHED)
    ]
    assert heddle("run", "helper").exit_code == 2
    result = heddle("run", "helper", "--query", "Hi")
    assert result.exit_code == 0
    assert "Hello" in result.stdout
    assert json.loads(platform.requests[-1].body)["query"] == "Hi"
    keys = [request for request in platform.requests if request.line.endswith("/keys")]
    assert len(keys) == 1, "the key is remembered"


def test_usage_mistakes_have_their_own_exit_code(platform: ScriptedPlatform, dsl: Path) -> None:
    assert heddle("run", dsl, "--inputs", "[1]").exit_code == 2
    assert heddle("import", dsl.with_name("nowhere.yml")).exit_code == 2
    assert heddle("weave").exit_code == 2
    assert platform.requests == []


def test_runs_show_prints_the_trace(platform: ScriptedPlatform) -> None:
    platform.answers["GET /api/runs/r1"] = [answer({"id": "r1", "status": "succeeded"})]
    platform.answers["GET /api/runs/r1/trace"] = [answer(TRACE)]
    result = heddle("runs", "show", "r1")
    for word in ("Classify", "llm", "0.250 s", "42"):
        assert word in result.stdout
    told = json.loads(heddle("runs", "show", "r1", "--json").stdout)
    assert told["run"]["status"] == "succeeded"
    assert told["nodes"][0]["node_id"] == "n1"


def test_runs_show_prints_every_page_of_the_trace(platform: ScriptedPlatform) -> None:
    platform.answers["GET /api/runs/r1"] = [answer({"id": "r1", "status": "succeeded"})]
    platform.answers["GET /api/runs/r1/trace"] = [
        answer({**TRACE, "has_more": True, "last": 7}),
        answer({"run": {}, "nodes": [{"node_id": "n2", "title": "Behind"}]}),
    ]
    result = heddle("runs", "show", "r1")
    assert "Classify" in result.stdout
    assert "Behind" in result.stdout
    assert platform.requests[-1].line == "GET /api/runs/r1/trace?after=7"


def test_provider_set_sends_the_key_and_prints_it_nowhere(platform: ScriptedPlatform) -> None:
    platform.answers["PUT /api/providers/openai"] = [answer({})]
    result = heddle("provider", "set", "openai", "--api-key", "sk-1", "--base-url", "http://m/v1")
    assert result.exit_code == 0
    assert "sk-1" not in result.output
    assert json.loads(platform.requests[0].body) == {"api_key": "sk-1", "base_url": "http://m/v1"}


def test_provider_set_takes_a_host_without_keys(platform: ScriptedPlatform) -> None:
    platform.answers["PUT /api/providers/local"] = [answer({})]
    assert heddle("provider", "set", "local", "--base-url", "http://m/v1").exit_code == 0
    assert json.loads(platform.requests[0].body) == {"base_url": "http://m/v1"}


def test_provider_set_needs_a_key_or_a_base_url(platform: ScriptedPlatform) -> None:
    result = heddle("provider", "set", "openai")
    assert result.exit_code == 2
    assert "--api-key, --base-url" in result.stderr
    assert not platform.requests


def test_without_a_platform_the_message_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDDLE_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("HEDDLE_URL", raising=False)
    result = heddle("runs", "show", "r1")
    assert result.exit_code == 1
    assert "heddle up" in result.stderr
