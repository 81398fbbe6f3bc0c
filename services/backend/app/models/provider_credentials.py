"""Credentials of model providers: stored sealed, served by reference, never shown."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from libs.common.contracts.credentials import CredentialChanged, CredentialQuery, SealedCredential
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.providers import ProviderEntry, ProviderList, ProviderQuery
from libs.common.contracts.subjects import CREDENTIAL_CHANGED, PROVIDERS
from libs.common.errors import NotFound, Unavailable
from libs.common.messaging.bus import MessageBus
from services.backend.app.ports.credential_repository import (
    CredentialRepository,
    StoredCredential,
)
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.domain.models.check_provider import check_provider

_CATALOGUE_SECONDS = 10.0
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedProvider:
    """`entry` None: its sheet is gone. `stored` None: nothing was entered."""

    name: str
    entry: ProviderEntry | None
    stored: StoredCredential | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderCredentials:
    credentials: CredentialRepository
    sealer: CredentialSealer
    bus: MessageBus

    async def store(
        self,
        tenant_id: UUID,
        provider: str,
        api_key: str,
        base_url: str | None,
        others: Mapping[str, str] = _NOTHING,
    ) -> int:
        """Seal and keep; the new revision. The plain key is nowhere afterwards. `others` are fields
        that nobody knows here.

        Raises InvalidInput for what the catalogue does not know, naming the nearest names, and
        Unavailable while nobody can tell.
        """
        entered = {**others, "api_key": api_key, "base_url": base_url or ""}
        catalogue = await self._catalogue()
        check_provider(catalogue, provider, {k: v for k, v in entered.items() if v})
        sealed = self.sealer.seal(tenant_id, provider, api_key)
        revision = await self.credentials.put(tenant_id, provider, sealed, base_url)
        await self._tell(tenant_id, provider)
        return revision

    async def listed(self, tenant_id: UUID) -> list[ListedProvider]:
        """Every provider of the catalogue, and whatever else a credential is stored for."""
        stored = {found.provider: found for found in await self.credentials.all_of(tenant_id)}
        known = {entry.id: entry for entry in (await self._catalogue()).providers}
        return [
            ListedProvider(name=name, entry=known.get(name), stored=stored.get(name))
            for name in sorted(known.keys() | stored.keys())
        ]

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
        await self._tell(tenant_id, provider)

    async def serve(self, query: CredentialQuery) -> SealedCredential:
        """What the services that make calls are given."""
        found = await self.credentials.find(query.tenant_id, query.provider)
        if found is None:
            return SealedCredential(found=False)
        return SealedCredential(
            found=True, sealed=found.sealed, base_url=found.base_url, revision=found.revision
        )

    async def _tell(self, tenant_id: UUID, provider: str) -> None:
        """Whoever set a key and calls at once is served with that key."""
        changed = CredentialChanged(tenant_id=tenant_id, provider=provider)
        # Stored is stored: who cannot be told asks again within a second.
        with suppress(Unavailable):
            await self.bus.broadcast(
                CREDENTIAL_CHANGED, changed, envelope=Envelope(tenant_id=tenant_id)
            )

    async def _catalogue(self) -> ProviderList:
        return await self.bus.request(
            PROVIDERS, ProviderQuery(), envelope=Envelope(), timeout=_CATALOGUE_SECONDS
        )
