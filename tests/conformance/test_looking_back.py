"""Replays, forks, differences: through the public API, with every effect counted."""

from typing import Any

import pytest

from tests.conformance.caller import Caller, first_line
from tests.conformance.runner import Runner
from tests.e2e import documents
from tests.support.scripted_upstream import Answer

Json = dict[str, Any]
_SECONDS = 60.0


def _order() -> Json:
    """start -> draft (model) -> send (POST) -> check (template) -> end; beside it aside (model)."""
    send: Json = {
        "type": "http-request",
        "title": "Send",
        "method": "post",
        "url": "https://api.example.test/orders",
        "headers": "",
        "params": "",
        "authorization": {"type": "no-auth"},
        "body": {"type": "raw-text", "data": [{"type": "text", "value": "{{#draft.text#}}"}]},
        "timeout": {},
    }
    nodes = [
        documents.start(documents.variable("text")),
        documents.llm("draft", "draft {{#start.text#}}"),
        documents.llm("aside", "aside"),
        {"id": "send", "data": send},
        documents.template(
            "check",
            "{{ given }}: {{ draft }} > {{ body }}",
            given=["start", "text"],
            draft=["draft", "text"],
            body=["send", "body"],
        ),
        documents.end(result=["check", "output"], aside=["aside", "text"]),
    ]
    edges = [
        ("start", "draft"),
        ("draft", "send"),
        ("send", "check"),
        ("check", "end"),
        ("start", "aside"),
        ("aside", "end"),
    ]
    return documents.app("order", nodes, [*edges])


def test_a_fork_executes_what_lies_behind_its_node_and_nothing_else(caller: Caller) -> None:
    origin = caller.run(caller.app(_order()), text="tea")
    assert caller.asked == (2, 1)
    result = {"result": "tea: said draft tea > got said draft tea", "aside": "said aside"}
    assert caller.get(f"/api/runs/{origin}")["outputs"] == result

    shown = caller.post(f"/api/runs/{origin}/fork/preview", {"from_node": "send"}).json()
    assert shown["by_effect"] == {"unsafe": ["send"], "pure": ["start", "check", "end"]}
    assert shown["needs_allow_unsafe"] is True
    assert sorted(node["node_id"] for node in shown["takes"]) == ["aside", "draft"]
    reasons = {node["node_id"]: node["reason"] for node in shown["executes"]}
    assert reasons == {
        "start": "start",
        "send": "chosen",
        "check": "downstream",
        "end": "downstream",
    }

    body = {"from_node": "send", "digest": shown["digest"]}
    refused = caller.post(f"/api/runs/{origin}/fork", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "unsafe_effects_refused")
    assert refused.json()["nodes"] == ["send"]
    assert caller.asked == (2, 1)

    key = {"Idempotency-Key": f"fork-{origin}"}
    allowed = {**body, "allow_unsafe": True}
    begun = [caller.post(f"/api/runs/{origin}/fork", allowed, **key).json() for _ in range(2)]
    assert begun[0]["run_id"] == begun[1]["run_id"]
    fork = caller.ended(begun[0]["run_id"])
    assert (fork["status"], fork["outputs"]) == ("succeeded", result)
    assert caller.asked == (2, 2)
    told: Json = {"kind": "fork", "run_id": origin, "from_node": "send", "edited": {}}
    assert fork["origin"] == told
    assert fork["total_tokens"] == 0
    nodes = caller.nodes(fork["run_id"])
    taken = {node_id for node_id, node in nodes.items() if node["taken_from"] == origin}
    assert taken == {"aside", "draft"}
    assert nodes["draft"]["total_tokens"] == 13
    assert [
        node for node in nodes.values() if node["node_id"] not in taken and node["taken_from"]
    ] == []


def test_a_fork_of_a_fork_takes_over_what_that_took_over(caller: Caller) -> None:
    origin = caller.run(caller.app(_order()), text="milk")
    first = caller.begin(origin, "fork", {"from_node": "check"})
    second = caller.begin(first["run_id"], "fork", {"from_node": "end"})
    assert caller.asked == (2, 1)
    assert second["outputs"] == caller.get(f"/api/runs/{origin}")["outputs"]
    nodes = caller.nodes(second["run_id"])
    assert nodes["draft"]["taken_from"] == origin
    assert nodes["check"]["taken_from"] == first["run_id"]


def test_outputs_and_inputs_may_be_edited_and_the_difference_is_shown(caller: Caller) -> None:
    origin = caller.run(caller.app(_order()), text="jam")
    edited = {
        "from_node": "check",
        "inputs": {"text": "honey"},
        "outputs": {"send": {"body": "nothing"}},
    }
    fork = caller.begin(origin, "fork", edited)
    assert caller.asked == (2, 1)
    assert fork["inputs"] == {"text": "honey"}
    assert fork["outputs"]["result"] == "honey: said draft jam > nothing"
    assert fork["origin"]["edited"] == {"send": ["body"]}

    diff = caller.get(f"/api/runs/{origin}/diff/{fork['run_id']}?changed=true")
    assert diff["same"] is False
    assert {change["pointer"] for change in diff["changes"]} == {
        "/inputs/text",
        "/outputs/result",
        "/answer",
    }
    changed = {node["node_id"]: node["changes"] for node in diff["nodes"]}
    assert set(changed) == {"start", "send", "check", "end"}
    (body,) = changed["send"]
    assert (body["pointer"], body["left"], body["right"]) == (
        "/outputs/body",
        '"got said draft jam"',
        '"nothing"',
    )
    same = caller.get(f"/api/runs/{origin}/diff/{origin}")
    assert (same["same"], {node["same"] for node in same["nodes"]}) == (True, {True})


def test_a_replay_executes_everything_again(caller: Caller) -> None:
    origin = caller.run(caller.app(_order()), text="salt")
    shown = caller.post(f"/api/runs/{origin}/replay/preview").json()
    assert (shown["takes"], shown["inputs"]) == ([], {"text": "salt"})
    assert shown["by_effect"]["model"] == ["draft", "aside"]
    replay = caller.begin(origin, "replay", allow_unsafe=True)
    assert caller.asked == (4, 2)
    assert replay["outputs"] == caller.get(f"/api/runs/{origin}")["outputs"]
    assert replay["total_tokens"] > 0
    differ = caller.get(f"/api/runs/{origin}/diff/{replay['run_id']}?changed=true")
    assert differ["changes"] == []
    # A model's usage tells how long it took, and a host when it answered.
    assert {node["node_id"] for node in differ["nodes"]} <= {"draft", "aside", "send"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"from_node": "nobody"}, "/from_node"),
        ({"from_node": "check", "outputs": {"end": {"result": 1}}}, "/outputs/end"),
        ({"from_node": "check", "outputs": {"send": {"bdoy": ""}}}, "/outputs/send/bdoy"),
        ({"from_node": "check", "outputs": {"send": {"body": 1}}}, "/outputs/send/body"),
        ({"from_node": "check", "inputs": {"text": 1}}, "/inputs/text"),
        ({"from_node": "check", "from": "x"}, "/from"),
        ({}, "/from_node"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(
    caller: Caller, body: Json, pointer: str
) -> None:
    origin = caller.run(caller.app(_order()), text="rye")
    answer = caller.post(f"/api/runs/{origin}/fork/preview", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_only_what_was_shown_is_started(caller: Caller) -> None:
    origin = caller.run(caller.app(_order()), text="oat")
    shown = caller.post(f"/api/runs/{origin}/fork/preview", {"from_node": "check"}).json()
    body = {"from_node": "end", "digest": shown["digest"]}
    answer = caller.post(f"/api/runs/{origin}/fork", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "fork_preview_outdated")
    missing = caller.post(f"/api/runs/{origin}/fork", {"from_node": "end"})
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (400, "/digest")
    nobody = caller.post("/api/runs/01a00000-0000-7000-8000-000000000000/replay/preview")
    assert nobody.status_code == 404


def test_a_run_under_way_cannot_be_begun_from(caller: Caller, runner: Runner) -> None:
    app_id = caller.app(_order())
    runner.upstream.script = lambda _: Answer(text="slow " * 1000, seconds_between=0.1)
    begun = caller.post(f"/api/apps/{app_id}/runs", {"inputs": {"text": "ale"}}).json()
    answer = caller.post(f"/api/runs/{begun['run_id']}/replay/preview")
    assert (answer.status_code, answer.json()["code"]) == (409, "run_under_way")
    caller.post(f"/api/runs/{begun['run_id']}/abort")
    assert caller.ended(begun["run_id"])["status"] == "stopped"
    # What ended before the stop is taken over, what did not is executed.
    runner.upstream.script = lambda asked: Answer(text=f"said {first_line(asked)}")
    fork = caller.begin(begun["run_id"], "fork", {"from_node": "send"}, allow_unsafe=True)
    assert fork["status"] == "succeeded"
    assert fork["outputs"]["result"] == "ale: said draft ale > got said draft ale"


def test_a_fork_of_a_chat_answers_anew_and_leaves_the_conversation_alone(caller: Caller) -> None:
    nodes = [
        documents.start(),
        documents.llm("first", "first {{#sys.query#}}"),
        documents.llm("second", "second"),
        documents.answer("{{#first.text#}} / {{#second.text#}}"),
    ]
    edges = [("start", "first"), ("first", "second"), ("second", "answer")]
    app_id = caller.app(documents.app("talk", nodes, [*edges], "advanced-chat"))
    path = f"/api/apps/{app_id}/runs?wait={_SECONDS}"
    origin = caller.post(path, {"query": "hello"}).json()
    assert origin["answer"] == "said first hello / said second"
    fork = caller.begin(origin["run_id"], "fork", {"from_node": "second"})
    assert caller.asked == (3, 0)
    assert fork["answer"] == origin["answer"]
    assert (fork["conversation_id"], fork["message_id"]) == (None, None)
    key = caller.post(f"/api/apps/{app_id}/keys").json()["api_key"]
    told = caller.messages(key, origin["conversation_id"])
    assert [message["answer"] for message in told] == [origin["answer"]]


def test_one_node_runs_alone_on_made_up_variables(caller: Caller, runner: Runner) -> None:
    app_id = caller.app(_order())
    given = {"start": {"text": "tea"}, "draft": {"text": "a draft"}, "send": {"body": "a body"}}
    answer = caller.post(f"/api/apps/{app_id}/nodes/check/test?wait=30", {"variables": given})
    assert answer.status_code == 200
    (node,) = answer.json()["nodes"]
    assert (node["node_id"], node["status"]) == ("check", "succeeded")
    assert node["outputs"] == {"output": "tea: a draft > a body"}
    assert caller.asked == (0, 0)
    shown = caller.get(f"/api/runs/{answer.json()['run']['run_id']}")
    assert shown["status"] == "succeeded"

    told = caller.post(
        f"/api/apps/{app_id}/nodes/send/test?wait=30", {"variables": {"draft": {"text": "x"}}}
    ).json()
    assert told["nodes"][0]["outputs"]["body"] == "got x"
    assert caller.asked == (0, 1)
    replay = caller.begin(told["run"]["run_id"], "replay", allow_unsafe=True)
    assert replay["status"] == "succeeded"
    assert caller.nodes(replay["run_id"])["send"]["outputs"]["body"] == "got x"

    runner.upstream.script = lambda _: Answer(text="no", status=401)
    failed = caller.post(f"/api/apps/{app_id}/nodes/aside/test?wait=30", {}).json()
    assert (failed["run"]["status"], failed["nodes"][0]["status"]) == ("failed", "failed")

    key = {"Idempotency-Key": app_id}
    paths = f"/api/apps/{app_id}/nodes/check/test"
    begun = [caller.post(paths, {"variables": given}, **key) for _ in range(2)]
    assert [each.status_code for each in begun] == [202, 202]
    assert begun[0].json()["run_id"] == begun[1].json()["run_id"]
    other = caller.post(paths, {"variables": {}}, **key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_a_container_runs_alone_with_its_rounds(caller: Caller) -> None:
    each: Json = {
        "type": "iteration",
        "title": "Each",
        "iterator_selector": ["start", "items"],
        "output_selector": ["ask", "text"],
        "output_type": "array[string]",
        "start_node_id": "begin",
    }
    nodes = [
        documents.start(documents.variable("items", "json_object", required=False)),
        {"id": "each", "data": each},
        {"id": "begin", "data": {"type": "iteration-start"}, "parentId": "each"},
        {**documents.llm("ask", "{{#each.item#}}"), "parentId": "each"},
        documents.end(answers=["each", "output"]),
    ]
    edges = [("start", "each"), ("begin", "ask"), ("each", "end")]
    app_id = caller.app(documents.app("each", nodes, [*edges]))
    given = {"start": {"items": ["a", "b"]}}
    told = caller.post(f"/api/apps/{app_id}/nodes/each/test?wait=30", {"variables": given}).json()
    outputs = {node["node_id"]: node["outputs"] for node in told["nodes"] if not node["frame_path"]}
    assert outputs["each"]["output"] == ["said a", "said b"]
    assert [node["frame_path"] for node in told["nodes"]].count("each:1") == 1
    alone = {"each": {"item": "c"}}
    asked = caller.post(f"/api/apps/{app_id}/nodes/ask/test?wait=30", {"variables": alone}).json()
    assert asked["nodes"][0]["outputs"]["text"] == "said c"
    run_id = told["run"]["run_id"]
    refused = caller.post(f"/api/runs/{run_id}/fork/preview", {"from_node": "ask"})
    assert (refused.status_code, refused.json()["code"]) == (400, "fork_refused")
    assert "fork from `each`" in refused.json()["detail"]


def test_a_node_that_cannot_run_alone_is_refused(caller: Caller) -> None:
    nodes = [documents.start(), {"id": "x", "data": {"type": "nothing", "title": "X"}}]
    document = documents.app("unready", nodes, [("start", "x")])
    app_id = caller.app(document, publish=False)
    refused = caller.post(f"/api/apps/{app_id}/nodes/x/test", {})
    assert (refused.status_code, refused.json()["code"]) == (400, "node_test_refused")
    assert refused.json()["report"]["errors"]
    nobody = caller.post(f"/api/apps/{app_id}/nodes/nobody/test", {})
    assert nobody.status_code == 404
    misspelt = caller.post(f"/api/apps/{app_id}/nodes/start/test", {"vars": {}})
    assert (misspelt.status_code, misspelt.json()["errors"][0]["pointer"]) == (400, "/vars")
