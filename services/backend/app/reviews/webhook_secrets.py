"""What webhooks are signed with."""

from dataclasses import dataclass
from uuid import UUID

from services.backend.app.apps.show_apps import ShowApps
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.domain.reviews.form_hook import shown_secret

_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecrets:
    """Derived from the master key and never stored, one for each app and address: whoever gets
    one app's messages can forge none of another receiver's."""

    sealer: CredentialSealer

    def of(self, tenant_id: UUID, app_id: UUID, url: str) -> tuple[bytes, ...]:
        """One for each master key, newest first: while a key is replaced receivers may know either
        secret."""
        purpose = f"webhook/{tenant_id}/{app_id}/{url}"
        return tuple(
            number.to_bytes(_BYTES, "big") for number in self.sealer.derived_numbers(purpose)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowWebhookSecret:
    secrets: WebhookSecrets
    show_apps: ShowApps

    async def __call__(self, tenant_id: UUID, app_id: UUID, url: str) -> str:
        """What the receiver at `url` is to check signatures with. Raises NotFound."""
        await self.show_apps.one(tenant_id, app_id)
        return shown_secret(self.secrets.of(tenant_id, app_id, url)[0])
