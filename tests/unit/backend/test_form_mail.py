"""What mails and webhooks about forms say."""

import base64
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.form_deliveries import EmailDelivery
from libs.common.contracts.forms import FormAction, FormView, HumanForm
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.reviews.form_hook import form_hook, shown_secret, signed_headers
from services.backend.domain.reviews.form_mail import FormMail, form_mail
from services.backend.domain.reviews.shown_text import MOST_CHARACTERS
from services.backend.domain.reviews.told_by_mail import untold

LINK = "https://heddle.test/review/abc"
HOSTILE = '"><script>alert(1)</script><a href="javascript:x">'


def _form(title: str = "Approve", content: str = "Pay 7?\n{{#$output.why#}}") -> HumanForm:
    return HumanForm(title=title, content=content, actions=(FormAction(id="yes", title="Yes"),))


def _mail(form: HumanForm | None = None, **more: object) -> FormMail:
    delivery = EmailDelivery(to="ann@example.com").model_copy(update=more)
    return form_mail(
        form or _form(), delivery, delivery_id=uuid4(), link=LINK, expires_at=1_767_323_045.0
    )


def test_the_authors_text_has_the_link_in_its_places() -> None:
    mail = _mail(subject="Please look", body=("Hello,\nsee ", " or ", "."))
    assert mail.subject == "Please look"
    assert mail.text.startswith(f"Approve\n\nHello,\nsee {LINK} or {LINK}.\n")
    assert "until 2026-01-02 03:04 UTC" in mail.text
    assert f'Hello,<br>\nsee <a href="{LINK}">{LINK}</a> or <a' in mail.html


def test_a_text_without_a_place_is_followed_by_the_link() -> None:
    mail = _mail(body=("Just look.",))
    assert f"Just look.\n\n{LINK}\n" in mail.text
    assert mail.html.count(LINK) == 2


def test_without_a_text_the_forms_own_stands() -> None:
    mail = _mail(subject="", body=("", " \n"))
    assert mail.subject == "Approve"
    assert f"Pay 7?\n[why]\n\n{LINK}" in mail.text


def test_nothing_that_somebody_wrote_becomes_a_part_of_the_mail() -> None:
    form = _form(HOSTILE, HOSTILE)
    for mail in (_mail(form, subject=HOSTILE, body=(HOSTILE, HOSTILE)), _mail(form)):
        assert "<script" not in mail.html
        assert 'href="javascript' not in mail.html
        assert mail.html.count("<a ") == 1


@pytest.mark.parametrize(
    "newline", ["\n", "\r\n", "\r", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\ud800"]
)
def test_a_subject_is_one_line(newline: str) -> None:
    mail = _mail(subject=f"a{newline}Bcc: eve@example.com{newline}")
    assert mail.subject == "a Bcc: eve@example.com"
    mail = _mail(_form(f"a{newline}b"), subject="")
    assert mail.subject == "a b"
    assert mail.text.startswith("a b\n\n")


def test_what_nobody_would_read_is_cut() -> None:
    mail = _mail(subject="s" * 1000, body=("x" * 5_000_000, ""))
    assert len(mail.subject) == 200
    assert len(mail.text) < MOST_CHARACTERS + 1000
    assert LINK in mail.text
    mail.text.encode()


def _view() -> FormView:
    return FormView(
        form_id=UUID(int=1),
        run_id=UUID(int=2),
        app_id=UUID(int=3),
        node_id="ask",
        status="open",
        digest="d" * 64,
        title="Approve",
        opened_at=1_767_323_045.0,
        expires_at=1_767_326_645.0,
        form=_form(),
    )


def test_a_webhook_is_signed_as_the_specifications_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}', [secret]
    )
    assert dict(headers) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert shown_secret(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_webhook_says_the_same_at_every_try_under_a_new_stamp() -> None:
    first, second = (
        form_hook(
            _view(),
            "https://example.com",
            delivery_id=UUID(int=9),
            link=LINK,
            secrets=[b"new", b"old"],
            at=at,
        )
        for at in (1.9, 2.9)
    )
    assert first.body == second.body
    told = json.loads(first.body)
    assert (told["type"], told["timestamp"]) == ("form.opened", "2026-01-02T03:04:05+00:00")
    assert told["data"]["link"] == LINK
    assert told["data"]["content"] == "Pay 7?\n[why]"
    assert told["data"]["actions"] == [{"id": "yes", "title": "Yes", "style": "default"}]
    headers = [dict(hook.headers) for hook in (first, second)]
    assert [each["webhook-timestamp"] for each in headers] == ["1", "2"]
    assert len({each["webhook-id"] for each in headers}) == 1
    assert len(headers[0]["webhook-signature"].split()) == 2


def test_a_definition_tells_which_forms_nobody_hears_of() -> None:
    mail: dict[str, Any] = {"type": "email", "config": {}}
    nodes: list[Any] = [
        {"id": "a", "data": {"type": "human-input", "title": "A", "delivery_methods": [mail]}},
        {"id": "b", "data": {"type": "human-input", "delivery_methods": [{"type": "webapp"}]}},
        {"id": "c", "data": {"type": "human-input", "delivery_methods": "mail"}},
        {"id": "d", "data": {"type": "llm", "delivery_methods": [mail]}},
        {
            "id": "e",
            "data": {"type": "human-input", "delivery_methods": [{**mail, "enabled": False}]},
        },
        "odd",
        {"id": "f", "data": None},
    ]
    definition = WorkflowDefinition.model_validate({"mode": "workflow", "graph": {"nodes": nodes}})
    (warning,) = untold(definition)
    assert (warning.code, warning.node_id, warning.node_title) == ("mail_not_configured", "a", "A")
    assert untold(WorkflowDefinition(mode="workflow", graph={"nodes": "odd"})) == ()
