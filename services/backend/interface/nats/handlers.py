"""What the backend answers and hears on the message bus."""

from libs.common.contracts.credentials import CredentialQuery, SealedCredential
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.environment_secrets import SealedSecrets, SecretsQuery
from libs.common.contracts.form_deliveries import DeliverForm, FormOpened
from libs.common.contracts.run_commands import ChildAccepted, RunEnded
from libs.common.contracts.subjects import (
    CHILD_ACCEPTED,
    CREDENTIAL,
    DELIVER_FORM,
    ENVIRONMENT_SECRETS,
    FORM_OPENED,
    RUN_ENDED,
)
from libs.common.messaging.bus import MessageBus
from services.backend.app.reviews.deliver_form import CLAIM_SECONDS
from services.backend.app.use_cases import UseCases

_DURABLE = "backend"
DELIVERY_TRIES = 60
"""At most a minute apart: about an hour."""


async def serve(bus: MessageBus, cases: UseCases, *, delivery_tries: int = DELIVERY_TRIES) -> None:
    """Register the handlers."""

    async def credential(query: CredentialQuery, _: Envelope) -> SealedCredential:
        return await cases.credentials.serve(query)

    async def environment_secrets(query: SecretsQuery, _: Envelope) -> SealedSecrets:
        return await cases.environment_secrets.serve(query)

    async def run_ended(fact: RunEnded, _: Envelope) -> None:
        await cases.record_end.of_fact(fact)

    async def child_accepted(fact: ChildAccepted, _: Envelope) -> None:
        await cases.record_child.of_fact(fact)

    async def form_opened(fact: FormOpened, _: Envelope) -> None:
        await cases.telling.announce(fact)

    async def deliver_form(order: DeliverForm, _: Envelope) -> None:
        await cases.telling.tell(order)

    await bus.serve(CREDENTIAL, credential)
    await bus.serve(ENVIRONMENT_SECRETS, environment_secrets)
    await bus.consume(RUN_ENDED, run_ended, durable=_DURABLE)
    await bus.consume(CHILD_ACCEPTED, child_accepted, durable=f"{_DURABLE}-children")
    await bus.consume(FORM_OPENED, form_opened, durable=f"{_DURABLE}-forms")
    await bus.consume(
        DELIVER_FORM,
        deliver_form,
        durable=f"{_DURABLE}-deliveries",
        max_deliveries=delivery_tries,
        ack_wait=CLAIM_SECONDS,
    )
