"""Credentials of model providers: stored sealed, served by reference, never shown."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.credentials import CredentialQuery, SealedCredential
from libs.common.errors import NotFound
from services.backend.app.ports.credential_repository import (
    CredentialRepository,
    StoredCredential,
)
from services.backend.app.ports.credential_sealer import CredentialSealer


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCredentials:
    credentials: CredentialRepository
    sealer: CredentialSealer

    async def store(
        self, tenant_id: UUID, provider: str, api_key: str, base_url: str | None
    ) -> int:
        """Seal and keep; the new revision. The plain key is nowhere afterwards."""
        sealed = self.sealer.seal(tenant_id, provider, api_key)
        return await self.credentials.put(tenant_id, provider, sealed, base_url)

    async def show(self, tenant_id: UUID, provider: str) -> StoredCredential:
        """Raises NotFound."""
        found = await self.credentials.find(tenant_id, provider)
        if found is None:
            raise NotFound("No credential is stored for this provider.")
        return found

    async def delete(self, tenant_id: UUID, provider: str) -> None:
        """Raises NotFound."""
        if not await self.credentials.delete(tenant_id, provider):
            raise NotFound("No credential is stored for this provider.")

    async def serve(self, query: CredentialQuery) -> SealedCredential:
        """What the services that make calls are given."""
        found = await self.credentials.find(query.tenant_id, query.provider)
        if found is None:
            return SealedCredential(found=False)
        return SealedCredential(
            found=True, sealed=found.sealed, base_url=found.base_url, revision=found.revision
        )
