"""A run that asks people, through every door: Dify's, the native one, and a signed link."""

import html
import re
from typing import Any

import httpx

from tests.e2e.documents import app, end, start, template, variable
from tests.e2e.world import ImportedApp, Json, World
from tests.support.eventually import eventually


def _document(name: str) -> Json:
    """Two people are asked side by side; what the first one decides is the branch."""
    ask: Json = {
        "type": "human-input",
        "title": "Approve",
        "form_content": "Pay {{#start.amount#}}?\n{{#$output.why#}}",
        "inputs": [
            {"type": "paragraph", "output_variable_name": "why"},
            {
                "type": "select",
                "output_variable_name": "when",
                "option_source": {"type": "constant", "value": ["now", "later"]},
                "default": {"type": "constant", "value": "later"},
            },
        ],
        "user_actions": [
            {"id": "yes", "title": "Yes", "button_style": "primary"},
            {"id": "no", "title": "No"},
        ],
        "timeout": 3,
        "timeout_unit": "day",
    }
    other: Json = {
        "type": "human-input",
        "title": "Look",
        "form_content": "Seen?",
        "user_actions": [{"id": "seen", "title": "Seen"}],
    }
    nodes = [
        start(variable("amount")),
        {"id": "ask", "data": ask},
        {"id": "look", "data": other},
        template("paid", "paid {{ when }}: {{ why }}", why=["ask", "why"], when=["ask", "when"]),
        template("kept", "kept"),
        end(paid=["paid", "output"], kept=["kept", "output"], text=["ask", "__rendered_content"]),
    ]
    edges: list[tuple[str, ...]] = [
        ("start", "ask"),
        ("start", "look"),
        ("ask", "yes", "paid"),
        ("ask", "no", "kept"),
        ("paid", "end"),
        ("kept", "end"),
        ("look", "seen", "end"),
    ]
    return app(name, nodes, edges)


def _paused(world: World, name: str) -> tuple[ImportedApp, Json]:
    imported = world.import_app(_document(name))
    answer = world.run(imported, {"amount": "7 <b>"})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["status"] == "paused"
    assert sorted(data["paused_nodes"]) == ["ask", "look"]
    return imported, data


def _reason(data: Json, node: str) -> Json:
    (found,) = (reason for reason in data["reasons"] if reason["node_id"] == node)
    return dict(found)


def _form(world: World, imported: ImportedApp, reason: Json) -> httpx.Response:
    return world.http.get(f"/v1/form/human_input/{reason['form_token']}", headers=imported.headers)


def _submit(world: World, imported: ImportedApp, reason: Json, action: str, **inputs: Any) -> int:
    answer = world.http.post(
        f"/v1/form/human_input/{reason['form_token']}",
        json={"inputs": inputs, "action": action, "user": "e2e"},
        headers=imported.headers,
    )
    return answer.status_code


def _status(world: World, imported: ImportedApp, run_id: str) -> Json:
    return dict(world.http.get(f"/v1/workflows/run/{run_id}", headers=imported.headers).json())


def _ended(world: World, imported: ImportedApp, run_id: str) -> Json:
    def over() -> bool:
        return _status(world, imported, run_id)["status"] not in {"running", "paused"}

    eventually(over, what="the run's end")
    return _status(world, imported, run_id)


def test_a_run_asks_and_goes_on_after_every_process_was_started_anew(world: World) -> None:
    imported, data = _paused(world, "restarted")
    run_id, ask = data["id"], _reason(data, "ask")
    shown = _form(world, imported, ask).json()
    assert shown["form_content"] == "Pay 7 <b>?\n{{#$output.why#}}"
    assert shown["resolved_default_values"] == {"when": "later"}
    assert [action["id"] for action in shown["user_actions"]] == ["yes", "no"]
    assert _status(world, imported, run_id)["status"] == "paused"
    for service in ("engine", "backend"):
        replica = world.platform.replica(service)
        replica.kill()
        replica.start_again()
    assert _submit(world, imported, ask, "sell", why="x") == 400
    assert _submit(world, imported, ask, "yes") == 400
    assert _submit(world, imported, ask, "yes", why="fine") == 200
    assert _submit(world, imported, ask, "no", why="late") == 412
    assert _form(world, imported, ask).status_code == 412
    assert _submit(world, imported, _reason(data, "look"), "seen") == 200
    found = _ended(world, imported, run_id)
    assert found["status"] == "succeeded"
    assert found["outputs"]["paid"] == "paid later: fine"
    assert found["outputs"]["text"] == "Pay 7 <b>?\nfine"


def test_a_stream_ends_at_the_pause_and_is_taken_up_behind_it(world: World) -> None:
    imported = world.import_app(_document("streamed"))
    with world.streamed(imported, "/v1/workflows/run", {"inputs": {"amount": "1"}}) as events:
        told = list(events)
    kinds = [event.kind for event in told]
    assert kinds[-1] == "workflow_paused"
    assert kinds.count("human_input_required") == 2
    run_id = str(told[-1].body["workflow_run_id"])
    data = told[-1].body["data"]
    assert _submit(world, imported, _reason(data, "ask"), "no", why="") == 200
    assert _submit(world, imported, _reason(data, "look"), "seen") == 200
    assert _ended(world, imported, run_id)["status"] == "succeeded"
    rest = world.resumed(imported, run_id, told[-1].id)
    assert rest[0].kind == "workflow_started"
    assert rest[0].body["data"]["reason"] == "resumption"
    filled = [event.body["data"] for event in rest if event.kind == "human_input_form_filled"]
    assert {each["action_id"] for each in filled} == {"no", "seen"}
    assert rest[-1].kind == "workflow_finished"


def test_whoever_has_the_link_answers_once_without_a_script(world: World) -> None:
    imported, data = _paused(world, "linked")
    ask = _reason(data, "ask")
    found = world.http.get(f"/api/forms/{ask['form_id']}", headers=world.admin).json()
    page = world.http.get(found["link"])
    assert page.status_code == 200
    assert "Pay 7 &lt;b&gt;?" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert hidden["digest"] == found["digest"]
    given = {**hidden, "action": "yes", "field-why": "it is <due>", "field-when": "now"}
    altered = found["link"][:-1] + ("A" if found["link"][-1] != "A" else "B")
    assert world.http.post(altered, data=given).status_code == 404
    assert world.http.post(found["link"], data={**given, "digest": "0" * 64}).status_code == 409
    assert world.http.post(found["link"], data={**given, "action": "sell"}).status_code == 400
    taken = world.http.post(found["link"], data=given)
    assert (taken.status_code, "Thank you" in html.unescape(taken.text)) == (200, True)
    assert world.http.post(found["link"], data=given).status_code == 200
    assert world.http.post(found["link"], data={**given, "once": "other"}).status_code == 410
    assert world.http.get(found["link"]).status_code == 410
    after = world.http.get(f"/api/forms/{ask['form_id']}", headers=world.admin).json()
    assert (after["status"], after["action"], after["actor"]) == ("submitted", "yes", "link")
    assert after["inputs"] == {"why": "it is <due>", "when": "now"}
    assert _submit(world, imported, _reason(data, "look"), "seen") == 200
    assert _ended(world, imported, data["id"])["outputs"]["paid"] == "paid now: it is <due>"


def test_the_native_door_lists_answers_pauses_and_changes(world: World) -> None:
    imported, data = _paused(world, "native")
    run = f"/api/runs/{data['id']}"
    assert world.http.get(run, headers=world.admin).json()["status"] == "parked"
    listed = world.http.get(
        "/api/forms", params={"run_id": data["id"], "status": "open"}, headers=world.admin
    ).json()
    assert {form["node_id"] for form in listed["forms"]} == {"ask", "look"}
    paused = world.http.post(f"{run}/pause", json={}, headers=world.admin)
    assert paused.status_code == 202, paused.text
    changed = world.http.post(
        f"{run}/variables",
        json={"updates": [{"selector": ["start", "amount"], "value": "9"}]},
        headers=world.admin,
    )
    assert changed.status_code == 202, changed.text
    pinned = {"updates": [{"selector": ["sys", "user_id"], "value": "9"}]}
    refused = world.http.post(f"{run}/variables", json=pinned, headers=world.admin)
    assert refused.status_code == 400
    for form in listed["forms"]:
        action = {"ask": "no", "look": "seen"}[form["node_id"]]
        body = {"action": action, "inputs": {"why": "w"}, "actor": "ann"}
        path = f"/api/forms/{form['form_id']}/submit"
        key = {"Idempotency-Key": form["form_id"]}
        for _ in range(2):
            done = world.http.post(path, json=body, headers={**world.admin, **key})
            assert done.status_code == 202, done.text
        again = world.http.post(path, json=body, headers=world.admin)
        assert (again.status_code, again.json()["code"]) == (412, "form_submitted")
    resumed = world.http.post(f"{run}/resume", headers=world.admin)
    assert resumed.status_code == 202, resumed.text
    assert _ended(world, imported, data["id"])["status"] == "succeeded"
    late = world.http.post(f"{run}/pause", json={}, headers=world.admin)
    assert (late.status_code, late.json()["code"]) == (409, "run_over")
    unknown = world.http.get(f"/api/forms/{data['id']}", headers=world.admin)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "form_unknown")


def test_another_apps_key_sees_no_form(world: World) -> None:
    _, data = _paused(world, "mine")
    stranger = world.import_app(_document("theirs"))
    ask = _reason(data, "ask")
    assert _form(world, stranger, ask).status_code == 404
    assert _submit(world, stranger, ask, "yes", why="x") == 404
    world.http.post(f"/api/runs/{data['id']}/abort", headers=world.admin)
