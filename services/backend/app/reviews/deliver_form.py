"""Tell one recipient of a form."""

import logging
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.form_deliveries import (
    DeliverForm,
    EmailDelivery,
    FormDelivery,
    WebhookDelivery,
    delivery_id,
)
from libs.common.contracts.forms import FormView
from libs.common.errors import Busy, HeddleError, NotFound
from libs.common.messaging.bus import GivenUp
from services.backend.app.errors import DeliveryRefused
from services.backend.app.ports.delivery_metrics import DeliveryMetrics, Outcome
from services.backend.app.ports.delivery_records import DeliveryRecords
from services.backend.app.ports.mail_sender import MailSender
from services.backend.app.ports.webhook_sender import WebhookSender
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.told_forms import ToldForms
from services.backend.app.reviews.webhook_secrets import WebhookSecrets
from services.backend.domain.reviews.form_hook import form_hook
from services.backend.domain.reviews.form_mail import form_mail

_log = logging.getLogger(__name__)
CLAIM_SECONDS = 30.0
"""Longer than any try takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """`mail` None: there is no mail server."""

    mail: MailSender | None
    hooks: WebhookSender


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRecipient:
    """At least once, and never knowingly twice: a try whose end nobody noted, because its process
    died, is made again under the same id."""

    forms: ToldForms
    records: DeliveryRecords
    senders: Senders
    links: FormLinks
    secrets: WebhookSecrets
    metrics: DeliveryMetrics
    clock: Clock

    async def __call__(self, order: DeliverForm) -> None:
        """Raises GivenUp where no further try helps, and HeddleError where one may."""
        found = await self._found(order)
        if found is None:
            return
        form, delivery = found
        tenant_id, place = order.tenant_id, order.delivery_id
        claimed = await self.records.claim(
            tenant_id, order.form_id, place, delivery.channel, seconds=CLAIM_SECONDS
        )
        if claimed == "over":
            return
        if claimed == "busy":
            raise Busy("Somebody else is sending it.", retry_after=CLAIM_SECONDS)
        try:
            outcome = await self._told(tenant_id, place, form, delivery)
        except HeddleError as error:
            refused = isinstance(error, DeliveryRefused)
            await self._note(order, delivery, "refused" if refused else "failed", error.message)
            if refused:
                raise GivenUp(error.message) from error
            raise
        await self._note(order, delivery, outcome)

    async def _found(self, order: DeliverForm) -> tuple[FormView, FormDelivery] | None:
        try:
            found = await self.forms.deliveries(order.tenant_id, order.form_id)
        except NotFound:
            return None
        for delivery in found.deliveries:
            if delivery_id(order.form_id, delivery) == order.delivery_id:
                return found.form, delivery
        return None

    async def _told(
        self, tenant_id: UUID, place: UUID, form: FormView, delivery: FormDelivery
    ) -> Outcome:
        if form.status != "open":
            return "closed"
        assert form.form is not None, "a form is found with what it shows"
        link = self.links.url(tenant_id, form.form_id, form.expires_at, place)
        match delivery:
            case EmailDelivery():
                if self.senders.mail is None:
                    _log.warning("no mail server: nobody is told of form %s", form.form_id)
                    return "untold"
                mail = form_mail(
                    form.form, delivery, delivery_id=place, link=link, expires_at=form.expires_at
                )
                await self.senders.mail.send(mail)
            case WebhookDelivery():
                hook = form_hook(
                    form,
                    delivery.url,
                    delivery_id=place,
                    link=link,
                    secrets=self.secrets.of(tenant_id, form.app_id, delivery.url),
                    at=self.clock.now().timestamp(),
                )
                await self.senders.hooks.send(hook)
        return "sent"

    async def _note(
        self,
        order: DeliverForm,
        delivery: FormDelivery,
        outcome: Outcome,
        error: str | None = None,
    ) -> None:
        self.metrics.tried(delivery.channel, outcome)
        await self.records.settle(order.tenant_id, order.delivery_id, outcome, error)
