"""Everything that tells people of forms, put together."""

from dataclasses import dataclass

from libs.common.clock import Clock
from libs.common.messaging.bus import MessageBus
from services.backend.app.apps.show_apps import ShowApps
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.app.ports.delivery_metrics import DeliveryMetrics
from services.backend.app.ports.delivery_records import DeliveryRecords
from services.backend.app.reviews.announce_form import AnnounceForm
from services.backend.app.reviews.deliver_form import Senders, TellRecipient
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.show_deliveries import ShowDeliveries
from services.backend.app.reviews.told_forms import ToldForms
from services.backend.app.reviews.webhook_secrets import ShowWebhookSecret, WebhookSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingParts:
    """What telling people needs from outside. `public_url` None: links are relative."""

    records: DeliveryRecords
    senders: Senders
    metrics: DeliveryMetrics
    public_url: str | None

    @property
    def mails(self) -> bool:
        """Whether there is a mail server."""
        return self.senders.mail is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    links: FormLinks
    announce: AnnounceForm
    tell: TellRecipient
    show: ShowDeliveries
    show_secret: ShowWebhookSecret


def put_telling_together(
    parts: TellingParts,
    *,
    bus: MessageBus,
    clock: Clock,
    sealer: CredentialSealer,
    show_apps: ShowApps,
) -> Telling:
    forms, secrets = ToldForms(bus=bus), WebhookSecrets(sealer=sealer)
    links = FormLinks(sealer=sealer, clock=clock, public_url=parts.public_url)
    return Telling(
        links=links,
        announce=AnnounceForm(forms=forms, bus=bus),
        tell=TellRecipient(
            forms=forms,
            records=parts.records,
            senders=parts.senders,
            links=links,
            secrets=secrets,
            metrics=parts.metrics,
            clock=clock,
        ),
        show=ShowDeliveries(forms=forms, records=parts.records),
        show_secret=ShowWebhookSecret(secrets=secrets, show_apps=show_apps),
    )
