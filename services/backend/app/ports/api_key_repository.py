"""Keys as rows: who made them, and whether they still open anything."""

from typing import Protocol
from uuid import UUID

from services.backend.domain.identity.keys import Principal


class ApiKeyRepository(Protocol):
    async def add(self, principal: Principal, key_hash: str) -> bool:
        """Record a key; False when its hash or its id is known already, revoked or not."""
        ...

    async def revoke(self, tenant_id: UUID, key_id: UUID) -> str | None:
        """Close a key for good; its hash, or None when the tenant has no such open key."""
        ...

    async def is_open(self, tenant_id: UUID, key_hash: str) -> bool:
        """Whether a key stands under the hash and is not revoked."""
        ...
