"""Telling people of forms: from the engine's fact to the mail, and what an operator sees of it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.form_deliveries import (
    EmailDelivery,
    FormDeliveries,
    FormDelivery,
    FormOpened,
    WebhookDelivery,
    delivery_id,
)
from libs.common.contracts.forms import FormAction, FormView, HumanForm
from libs.common.contracts.subjects import DELIVER_FORM, FORM_OPENED
from services.backend.domain.reviews.form_hook import shown_secret
from tests.integration.backend.conftest import House
from tests.integration.backend.documents import app
from tests.support.settled import settled

ANN = EmailDelivery(to="ann@example.com", subject="Look", body=("at ", ""))
HOOK = WebhookDelivery(url="https://example.com/hook?a=1&b=2")
FORM = HumanForm(title="Approve", content="?", actions=(FormAction(id="yes", title="Yes"),))


async def _opened(house: House, *told: FormDelivery) -> UUID:
    form_id, app_id = uuid4(), uuid4()
    view = FormView(
        form_id=form_id,
        run_id=uuid4(),
        app_id=app_id,
        node_id="ask",
        status="open",
        digest="d" * 64,
        title="Approve",
        opened_at=0.0,
        expires_at=4e9,
        form=FORM,
    )
    house.engine.forms[form_id] = FormDeliveries(form=view, deliveries=told)
    fact = FormOpened(tenant_id=house.tenant_id, run_id=view.run_id, app_id=app_id, form_id=form_id)
    envelope = Envelope(tenant_id=house.tenant_id)
    await house.bus.enqueue(FORM_OPENED, fact, envelope=envelope, message_id=str(form_id))
    return form_id


async def _until(house: House, form_id: UUID, *statuses: str) -> list[dict[str, object]]:
    """What is told of the form's deliveries once they have these statuses; waits at most 10 s."""
    found: list[dict[str, object]] = []

    async def there() -> bool:
        path = f"/api/forms/{form_id}/deliveries"
        answer = await house.http.get(path, headers=house.admin())
        found[:] = answer.json()["deliveries"]
        return [each["status"] for each in found] == [*statuses]

    await settled(there, within=10.0)
    return found


async def test_everybody_is_told_and_the_operator_sees_whom(house: House) -> None:
    form_id = await _opened(house, ANN, HOOK)
    mail, hook = await _until(house, form_id, "sent", "sent")
    assert (mail["channel"], mail["to"], mail["attempts"]) == ("email", "ann@example.com", 1)
    assert (hook["channel"], hook["to"], hook["error"]) == ("webhook", HOOK.url, None)
    (sent,), (posted,) = house.mails.sent, house.hooks.sent
    assert "https://heddle.test/review/" in sent.text
    assert posted.url == HOOK.url
    assert house.deliveries.tries == {("email", "sent"): 1, ("webhook", "sent"): 1}


async def test_what_cannot_be_sent_is_a_dead_letter_that_goes_back(house: House) -> None:
    house.mails.answer, house.hooks.answer = 550, 503
    form_id = await _opened(house, ANN, HOOK)
    await _until(house, form_id, "refused", "failed")
    letters = "/api/operations/dead-letters"
    found: list[dict[str, Any]] = []

    async def buried() -> bool:
        listed = await house.http.get(letters, headers=house.admin())
        assert "example.com" not in listed.text
        found[:] = listed.json()["dead_letters"]
        return len(found) == 2

    await settled(buried, within=10.0)
    assert sorted(letter["deliveries"] for letter in found) == [1, 3]
    house.mails.answer, house.hooks.answer = 250, 200
    again = await house.http.post(
        f"{letters}/requeue", params={"subject": DELIVER_FORM.name}, headers=house.admin()
    )
    assert again.json() == {"requeued": 2}
    await _until(house, form_id, "sent", "sent")
    assert [mail.delivery_id for mail in house.mails.sent] == [delivery_id(form_id, ANN)]


async def test_an_app_shows_what_its_webhooks_are_signed_with(house: House) -> None:
    imported = await house.imported(app())
    path = f"/api/apps/{imported['app_id']}/webhook-secret"
    told = await house.http.get(path, params={"url": HOOK.url}, headers=house.admin())
    assert told.headers["cache-control"] == "no-store"
    secrets = house.cases.telling.tell.secrets
    app_id = UUID(imported["app_id"])
    assert told.json() == {"secret": shown_secret(secrets.of(house.tenant_id, app_id, HOOK.url)[0])}
    others = {
        secrets.of(house.tenant_id, app_id, "https://example.com/other"),
        secrets.of(house.tenant_id, uuid4(), HOOK.url),
        secrets.of(uuid4(), app_id, HOOK.url),
        secrets.of(house.tenant_id, app_id, HOOK.url),
    }
    assert len(others) == 4


async def test_an_unknown_form_has_no_deliveries(house: House) -> None:
    answer = await house.http.get(f"/api/forms/{uuid4()}/deliveries", headers=house.admin())
    assert answer.status_code == 404


def _mailing() -> str:
    document = yaml.safe_load(app())
    recipients = {"items": [{"type": "external", "email": "ann@example.com"}]}
    mail = {"type": "email", "config": {"recipients": recipients}}
    ask = {"type": "human-input", "title": "Ask", "delivery_methods": [mail]}
    document["workflow"]["graph"]["nodes"].append({"id": "ask", "data": ask})
    return str(yaml.safe_dump(document))


async def _warnings(house: House) -> list[list[str]]:
    """The codes that the import and a publish warn with."""
    imported = await house.imported(_mailing(), publish=False)
    path = f"/api/apps/{imported['app_id']}/publish"
    published = (await house.http.post(path, headers=house.admin())).json()
    told = (imported["report"]["warnings"], published["warnings"])
    return [[warning["code"] for warning in warnings] for warnings in told]


async def test_with_a_mail_server_there_is_no_warning(house: House) -> None:
    assert all("mail_not_configured" not in codes for codes in await _warnings(house))


class TestWithoutMailServer:
    @pytest.fixture
    def mail_server(self) -> bool:
        return False

    async def test_publishing_warns_and_nobody_is_told(self, house: House) -> None:
        assert all("mail_not_configured" in codes for codes in await _warnings(house))
        form_id = await _opened(house, ANN, HOOK)
        await _until(house, form_id, "untold", "sent")
        assert house.mails.sent == []
        assert house.deliveries.tries["email", "untold"] == 1
