"""A graph that asks people, through the public API: each button's branch, and nobody's answer."""

from typing import Any

import pytest
import yaml

from tests.conformance.caller import SECONDS, Caller
from tests.conformance.own_cases import GRAPHS

pytestmark = pytest.mark.xdist_group("conformance")

Json = dict[str, Any]
_A_SECOND = 1 / 3600


def _asked(caller: Caller, *, hours: float = 36, **inputs: str) -> tuple[str, Json]:
    """A run that waits, and its form."""
    document = yaml.safe_load((GRAPHS / "asking.yml").read_text())
    document["app"]["name"] = f"asking within {hours}"
    (ask,) = [each for each in document["workflow"]["graph"]["nodes"] if each["id"] == "ask"]
    ask["data"]["timeout"] = hours
    app_id = caller.app(document)
    begun = caller.post(f"/api/apps/{app_id}/runs?wait={SECONDS}", {"inputs": inputs})
    assert begun.is_success, begun.text
    run_id = begun.json()["run_id"]
    (form,) = caller.get(f"/api/forms?run_id={run_id}")["forms"]
    return run_id, caller.get(f"/api/forms/{form['form_id']}")


def _answered(caller: Caller, form: Json, action: str, **inputs: str) -> None:
    body = {"action": action, "inputs": inputs, "actor": "ann", "digest": form["digest"]}
    answer = caller.post(f"/api/forms/{form['form_id']}/submit", body)
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("action", "button", "given", "text", "shown"),
    [
        ("pay", "Pay it", {"why": "fine", "when": "now"}, "paid now, fine", "Pay 7? fine (now)"),
        ("pay", "Pay it", {}, "paid later, rent", "Pay 7? rent (later)"),
        ("refuse", "Refuse", {"why": "no"}, "refused, no", "Pay 7? no (later)"),
    ],
)
def test_the_button_is_the_branch_and_fields_are_outputs(
    caller: Caller, action: str, button: str, given: Json, text: str, shown: str
) -> None:
    run_id, form = _asked(caller, amount="7", reason="rent")
    assert form["content"] == "Pay 7? {{#$output.why#}} ({{#$output.when#}})"
    assert [each["id"] for each in form["actions"]] == ["pay", "refuse"]
    _answered(caller, form, action, **given)
    run = caller.ended(run_id)
    assert run["status"] == "succeeded"
    assert run["outputs"] == {"text": text, "action": action, "button": button, "shown": shown}
    nodes = caller.nodes(run_id)
    ran = {"pay": "paid", "refuse": "refused"}[action]
    assert {"paid", "refused", "late"} & nodes.keys() == {ran}


def test_where_nobody_answers_in_time_the_run_takes_its_own_branch(caller: Caller) -> None:
    run_id, form = _asked(caller, hours=_A_SECOND, amount="7", reason="rent")
    run = caller.ended(run_id)
    assert run["status"] == "succeeded"
    assert run["outputs"] == {
        "text": "nobody said anything",
        "action": "",
        "button": "",
        "shown": "Pay 7? rent (later)",
    }
    assert caller.get(f"/api/forms/{form['form_id']}")["status"] == "expired"
    late = caller.post(f"/api/forms/{form['form_id']}/submit", {"action": "pay", "inputs": {}})
    assert (late.status_code, late.json()["code"]) == (412, "form_expired")
