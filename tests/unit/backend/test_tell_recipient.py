"""Telling one recipient of a form: what is told again, what never, and what a crash leaves."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.form_deliveries import (
    DeliverForm,
    EmailDelivery,
    FormDeliveries,
    FormDelivery,
    FormOpened,
    WebhookDelivery,
    delivery_id,
)
from libs.common.contracts.forms import FormAction, FormQuery, FormView, HumanForm
from libs.common.contracts.subjects import DELIVER_FORM, FORM_DELIVERIES, FORM_OPENED
from libs.common.errors import Busy, NotFound
from libs.common.messaging.bus import GivenUp
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.backend.app.errors import DeliveryFailed
from services.backend.app.reviews.announce_form import AnnounceForm
from services.backend.app.reviews.deliver_form import CLAIM_SECONDS, Senders, TellRecipient
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.told_forms import ToldForms
from services.backend.app.reviews.webhook_secrets import WebhookSecrets
from services.backend.infra.credential_sealer import MasterKeySealer
from tests.support.deliveries import (
    CountedDeliveries,
    InMemoryDeliveryRecords,
    InMemoryMailSender,
    InMemoryWebhookSender,
)
from tests.support.manual_clock import ManualClock

TENANT, FORM = uuid4(), uuid4()
ANN = EmailDelivery(to="ann@example.com", subject="Look", body=("at ", ""))
HOOK = WebhookDelivery(url="https://example.com/hook")
VIEW = FormView(
    form_id=FORM,
    run_id=uuid4(),
    app_id=uuid4(),
    node_id="ask",
    status="open",
    digest="d" * 64,
    title="Approve",
    opened_at=0.0,
    expires_at=4e9,
    form=HumanForm(title="Approve", content="?", actions=(FormAction(id="yes", title="Yes"),)),
)


@dataclass
class World:
    bus: InMemoryBus
    clock: ManualClock
    tell: TellRecipient
    announce: AnnounceForm
    mails: InMemoryMailSender
    hooks: InMemoryWebhookSender
    records: InMemoryDeliveryRecords
    counted: CountedDeliveries
    told: tuple[FormDelivery, ...] = (ANN, HOOK)
    view: FormView | None = VIEW
    asked: list[UUID] = field(default_factory=list[UUID])

    async def form(self, query: FormQuery, _: Envelope) -> FormDeliveries:
        self.asked.append(query.form_id)
        if self.view is None:
            raise NotFound("No form.")
        return FormDeliveries(form=self.view, deliveries=self.told)

    async def status(self, delivery: FormDelivery) -> str:
        place = delivery_id(FORM, delivery)
        found = await self.records.of_form(TENANT, FORM)
        return next(each.status for each in found if each.delivery_id == place)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = ManualClock()
    bus = InMemoryBus(clock=clock)
    key = SecretStr(base64.b64encode(bytes(32)).decode())
    sealer = MasterKeySealer(key)
    forms = ToldForms(bus=bus)
    mails, hooks = InMemoryMailSender(), InMemoryWebhookSender()
    records, counted = InMemoryDeliveryRecords(clock), CountedDeliveries()
    tell = TellRecipient(
        forms=forms,
        records=records,
        senders=Senders(mail=mails, hooks=hooks),
        links=FormLinks(sealer=sealer, clock=clock, public_url="https://heddle.test"),
        secrets=WebhookSecrets(sealer=sealer),
        metrics=counted,
        clock=clock,
    )
    made = World(
        bus=bus,
        clock=clock,
        tell=tell,
        announce=AnnounceForm(forms=forms, bus=bus),
        mails=mails,
        hooks=hooks,
        records=records,
        counted=counted,
    )
    await bus.serve(FORM_DELIVERIES, made.form)
    yield made
    await bus.close()


def _order(delivery: FormDelivery) -> DeliverForm:
    return DeliverForm(tenant_id=TENANT, form_id=FORM, delivery_id=delivery_id(FORM, delivery))


async def test_each_is_told_once_however_often_the_order_comes(world: World) -> None:
    for _ in range(3):
        await world.tell(_order(ANN))
        await world.tell(_order(HOOK))
    (mail,), (hook,) = world.mails.sent, world.hooks.sent
    assert mail.to == "ann@example.com"
    assert "https://heddle.test/review/" in mail.text
    assert dict(hook.headers)["webhook-id"] == str(delivery_id(FORM, HOOK))
    assert world.counted.tries == {("email", "sent"): 1, ("webhook", "sent"): 1}


async def test_recipients_have_links_of_their_own(world: World) -> None:
    bob = EmailDelivery(to="bob@example.com", body=("", ""))
    world.told = (ANN, bob)
    await world.tell(_order(ANN))
    await world.tell(_order(bob))
    assert len({mail.text for mail in world.mails.sent}) == 2


async def test_a_try_whose_end_nobody_noted_is_made_again_under_its_name(world: World) -> None:
    place = delivery_id(FORM, ANN)
    # A process that sent it and died before it could note that.
    await world.records.claim(TENANT, FORM, place, "email", seconds=CLAIM_SECONDS)
    with pytest.raises(Busy):
        await world.tell(_order(ANN))
    assert world.mails.sent == []
    await world.clock.advance(CLAIM_SECONDS)
    await world.tell(_order(ANN))
    assert [mail.delivery_id for mail in world.mails.sent] == [place]


async def test_a_server_that_is_away_is_asked_again(world: World) -> None:
    world.mails.answer = None
    with pytest.raises(DeliveryFailed):
        await world.tell(_order(ANN))
    assert await world.status(ANN) == "failed"
    world.mails.answer = 250
    await world.tell(_order(ANN))
    assert await world.status(ANN) == "sent"
    assert world.counted.tries == {("email", "failed"): 1, ("email", "sent"): 1}


async def test_what_no_try_helps_is_given_up_and_may_be_ordered_anew(world: World) -> None:
    world.mails.answer = 550
    with pytest.raises(GivenUp) as told:
        await world.tell(_order(ANN))
    assert "ann" not in str(told.value)
    assert await world.status(ANN) == "refused"
    world.mails.answer = 250
    await world.tell(_order(ANN))
    assert await world.status(ANN) == "sent"


@pytest.mark.parametrize("status", ["submitted", "expired", "withdrawn"])
async def test_nobody_is_told_of_a_form_that_is_over(world: World, status: str) -> None:
    world.view = VIEW.model_copy(update={"status": status})
    await world.tell(_order(ANN))
    assert world.mails.sent == []
    assert await world.status(ANN) == "closed"


async def test_without_a_mail_server_it_is_noted_that_nobody_was_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    tell = TellRecipient(
        forms=world.tell.forms,
        records=world.records,
        senders=Senders(mail=None, hooks=world.hooks),
        links=world.tell.links,
        secrets=world.tell.secrets,
        metrics=world.counted,
        clock=world.clock,
    )
    await tell(_order(ANN))
    assert await world.status(ANN) == "untold"
    assert world.counted.tries == {("email", "untold"): 1}
    assert str(FORM) in caplog.text
    assert "ann" not in caplog.text


async def test_a_form_that_is_gone_is_nobodys_business(world: World) -> None:
    world.view = None
    await world.tell(_order(ANN))
    await world.announce(_opened())
    world.view = VIEW
    await world.tell(DeliverForm(tenant_id=TENANT, form_id=FORM, delivery_id=uuid4()))
    assert world.mails.sent == []


async def test_a_fact_becomes_an_order_for_each_recipient_once(world: World) -> None:
    orders: list[UUID] = []
    whole, again = asyncio.Event(), asyncio.Event()

    async def deliver(order: DeliverForm, _: Envelope) -> None:
        orders.append(order.delivery_id)
        if len(orders) == 2:
            whole.set()

    async def opened(fact: FormOpened, _: Envelope) -> None:
        await world.announce(fact)
        if len(world.asked) == 2:
            again.set()

    await world.bus.consume(DELIVER_FORM, deliver, durable="d")
    await world.bus.consume(FORM_OPENED, opened, durable="o")
    for name in ("1", "2"):
        await world.bus.enqueue(
            FORM_OPENED, _opened(), envelope=Envelope(tenant_id=TENANT), message_id=name
        )
    async with asyncio.timeout(5):
        await whole.wait()
        await again.wait()
    assert sorted(orders) == sorted(delivery_id(FORM, each) for each in world.told)


def _opened() -> FormOpened:
    return FormOpened(tenant_id=TENANT, run_id=VIEW.run_id, app_id=VIEW.app_id, form_id=FORM)


def test_a_recipient_is_the_same_however_it_is_written() -> None:
    upper = ANN.model_copy(update={"to": "Ann@Example.com"})
    assert delivery_id(FORM, ANN) == delivery_id(FORM, upper)
    assert delivery_id(FORM, ANN) != delivery_id(FORM, HOOK)
    assert delivery_id(FORM, ANN) != delivery_id(uuid4(), ANN)
