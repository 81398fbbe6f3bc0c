"""Where credentials come from: by reference, opened only here."""

from typing import Protocol
from uuid import UUID

from services.inference.app.ports.chat_wire import OpenedCredential


class CredentialSource(Protocol):
    async def open(self, tenant_id: UUID | None, provider: str) -> OpenedCredential | None:
        """The tenant's credential for a provider, None when none is stored.

        Raises Unavailable when the store of credentials cannot be reached.
        """
        ...
