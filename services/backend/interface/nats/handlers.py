"""What the backend answers and hears on the message bus."""

from libs.common.contracts.credentials import CredentialQuery, SealedCredential
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.environment_secrets import SealedSecrets, SecretsQuery
from libs.common.contracts.run_commands import ChildAccepted, RunEnded
from libs.common.contracts.subjects import (
    CHILD_ACCEPTED,
    CREDENTIAL,
    ENVIRONMENT_SECRETS,
    RUN_ENDED,
)
from libs.common.messaging.bus import MessageBus
from services.backend.app.use_cases import UseCases

_DURABLE = "backend"


async def serve(bus: MessageBus, cases: UseCases) -> None:
    """Register the handlers."""

    async def credential(query: CredentialQuery, _: Envelope) -> SealedCredential:
        return await cases.credentials.serve(query)

    async def environment_secrets(query: SecretsQuery, _: Envelope) -> SealedSecrets:
        return await cases.environment_secrets.serve(query)

    async def run_ended(fact: RunEnded, _: Envelope) -> None:
        await cases.record_end.of_fact(fact)

    async def child_accepted(fact: ChildAccepted, _: Envelope) -> None:
        await cases.record_child.of_fact(fact)

    await bus.serve(CREDENTIAL, credential)
    await bus.serve(ENVIRONMENT_SECRETS, environment_secrets)
    await bus.consume(RUN_ENDED, run_ended, durable=_DURABLE)
    await bus.consume(CHILD_ACCEPTED, child_accepted, durable=_DURABLE)
