"""People are told of a form: mails and webhooks arrive, and the run goes on where links lead."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.e2e.command import Terminal
from tests.e2e.documents import app, end, start, template, variable
from tests.e2e.world import ImportedApp, Json, World
from tests.support.eventually import eventually
from tests.support.mail_server import OK, ReceivedMail

pytestmark = pytest.mark.xdist_group("e2e")
ANN, BOB = "ann@example.com", "bob@example.com"
_HOSTILE = "<b>7</b>\r\nBcc: eve@example.com"


@pytest.fixture(autouse=True)
def post_office(world: World) -> Iterator[None]:
    world.mails.mails.clear()
    world.hooks.asked.clear()
    yield
    world.mails.recipient = lambda _: OK
    world.mails.taken = lambda _: OK


def _document(world: World, name: str, *to: str) -> Json:
    mail: Json = {
        "id": "6f6c1f3a-6a35-4f2d-8dcb-0c4a5d9f3a11",
        "type": "email",
        "enabled": True,
        "config": {
            "recipients": {
                "whole_workspace": False,
                "items": [{"type": "external", "email": address} for address in to],
            },
            "subject": "Pay {{#start.amount#}}?",
            "body": "Amount: {{#start.amount#}}\nDecide: {{#url#}}",
            "debug_mode": False,
        },
    }
    hook: Json = {"type": "webhook", "config": {"url": f"http://{world.hooks.http}/{name}"}}
    ask: Json = {
        "type": "human-input",
        "title": "Approve",
        "form_content": "Pay {{#start.amount#}}?",
        "delivery_methods": [{"type": "webapp", "enabled": True}, mail, hook],
        "user_actions": [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}],
    }
    nodes = [
        start(variable("amount")),
        {"id": "ask", "data": ask},
        template("paid", "paid"),
        template("kept", "kept"),
        end(paid=["paid", "output"], kept=["kept", "output"]),
    ]
    edges: list[tuple[str, ...]] = [
        ("start", "ask"),
        ("ask", "yes", "paid"),
        ("ask", "no", "kept"),
        ("paid", "end"),
        ("kept", "end"),
    ]
    return app(name, nodes, edges)


def _asked(world: World, name: str, *to: str) -> tuple[ImportedApp, Json]:
    """An app with a run that waits, and the form that it waits for."""
    imported = world.import_app(_document(world, name, *to))
    data = world.outcome(imported, {"amount": _HOSTILE})
    (reason,) = data["reasons"]
    return imported, {"run_id": data["id"], "form_id": reason["form_id"]}


def _told(world: World, count: int) -> list[ReceivedMail]:
    # A message in the hands of a process that was killed is handed out again after 30 s.
    eventually(lambda: len(world.mails.mails) >= count, within=90.0, what="the mails")
    return world.mails.mails


def _deliveries(world: World, form: Json) -> dict[str, Json]:
    answer = world.http.get(f"/api/forms/{form['form_id']}/deliveries", headers=world.admin)
    return {each["to"]: each for each in answer.json()["deliveries"]}


def _link(text: str) -> str:
    found = re.findall(r"http://127\.0\.0\.1:\d+/review/[\w-]+", text)
    assert found
    return str(found[0])


def _answered(world: World, link: str, action: str) -> int:
    page = world.http.get(link)
    assert page.status_code == 200, page.text
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return world.http.post(link, data={**hidden, "action": action}).status_code


def _ended(world: World, imported: ImportedApp, form: Json) -> Json:
    path = f"/v1/workflows/run/{form['run_id']}"

    def status() -> str:
        return str(world.http.get(path, headers=imported.headers).json()["status"])

    eventually(lambda: status() not in {"running", "paused"}, what="the run's end")
    return dict(world.http.get(path, headers=imported.headers).json())


def test_a_mail_leads_to_the_form_and_the_run_goes_on(world: World) -> None:
    imported, form = _asked(world, "mailed", ANN, BOB)
    mails = {mail.to[0]: mail for mail in _told(world, 2)}
    assert set(mails) == {ANN, BOB}
    mail = mails[ANN]
    message: EmailMessage = mail.message
    assert message["Subject"] == "Pay <b>7</b> Bcc: eve@example.com?"
    assert message["Bcc"] is None
    assert "Amount: <b>7</b>" in mail.text
    assert "&lt;b&gt;7&lt;/b&gt;" in mail.html
    assert _link(mail.text) == _link(mail.html)
    assert _link(mails[BOB].text) != _link(mail.text)
    assert _answered(world, _link(mail.text), "yes") == 200
    assert world.http.get(_link(mails[BOB].text)).status_code == 410
    assert _ended(world, imported, form)["outputs"]["paid"] == "paid"
    deliveries = _deliveries(world, form)
    shown = world.http.get(f"/api/forms/{form['form_id']}", headers=world.admin).json()
    assert shown["actor"] == f"delivery/{deliveries[ANN]['delivery_id']}"
    assert {each["status"] for each in deliveries.values()} == {"sent"}


def test_a_webhook_is_signed_and_carries_the_form(world: World, tmp_path: Path) -> None:
    terminal = Terminal.on(world, tmp_path)
    imported, form = _asked(world, "hooked", ANN)
    eventually(lambda: bool(world.hooks.asked), what="the webhook")
    (asked,) = world.hooks.asked
    url = f"http://{world.hooks.http}/hooked"
    secret = terminal.heddle("forms", "webhook-secret", imported.app_id, url).stdout.strip()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode()
    digest = base64.b64encode(hmac.digest(key, signed + asked.body, hashlib.sha256)).decode()
    assert asked.headers["webhook-signature"] == f"v1,{digest}"
    told = json.loads(asked.body)
    assert told["type"] == "form.opened"
    assert told["data"]["form_id"] == form["form_id"]
    assert _answered(world, _link(told["data"]["link"]), "no") == 200
    assert _ended(world, imported, form)["outputs"]["kept"] == "kept"
    listed = terminal.heddle("forms", "deliveries", form["form_id"], "--json").stdout
    by = {json.loads(line)["channel"]: json.loads(line) for line in listed.splitlines()}
    assert by["webhook"]["delivery_id"] == asked.headers["webhook-id"]


def test_a_backend_that_is_killed_tells_everybody_once_it_is_back(world: World) -> None:
    refused: list[ReceivedMail] = []

    def busy(mail: ReceivedMail) -> str:
        refused.append(mail)
        return "451 later"

    world.mails.taken = busy
    imported, form = _asked(world, "killed", ANN)
    eventually(lambda: bool(refused), what="the first try")
    replica = world.platform.replica("backend")
    replica.kill()
    world.mails.taken = lambda _: OK
    replica.start_again()
    (mail,) = _told(world, 1)
    assert mail.message["Message-ID"] == refused[0].message["Message-ID"]
    eventually(lambda: _deliveries(world, form)[ANN]["status"] == "sent", what="the note")
    assert _answered(world, _link(mail.text), "yes") == 200
    assert _ended(world, imported, form)["status"] == "succeeded"
    assert len(world.mails.mails) == 1


def test_no_log_and_no_dead_letter_holds_an_address(world: World) -> None:
    world.mails.recipient = lambda address: f"550 no {address} here"
    _, form = _asked(world, "refused", "nobody.knows@example.com")

    def status() -> str:
        return str(_deliveries(world, form)["nobody.knows@example.com"]["status"])

    eventually(lambda: status() == "refused", what="the refusal")
    path = "/api/operations/dead-letters"
    subject = {"subject": "backend.forms.deliver"}

    def letters() -> list[Json]:
        found = world.http.get(path, params=subject, headers=world.admin)
        assert "nobody.knows" not in found.text
        return list(found.json()["dead_letters"])

    eventually(lambda: bool(letters()), what="the dead letter")
    for service in ("backend", "engine"):
        assert "nobody.knows" not in world.platform.log(service)
    world.mails.recipient = lambda _: OK
    done = world.http.post(f"{path}/requeue", params=subject, headers=world.admin)
    assert done.json() == {"requeued": 1}
    (mail,) = _told(world, 1)
    assert mail.to == ("nobody.knows@example.com",)
