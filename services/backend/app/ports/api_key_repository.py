"""Keys as rows: who made them, and whether they still open anything."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from services.backend.domain.identity.keys import KeyRecord, Principal


class ApiKeyRepository(Protocol):
    async def add(self, principal: Principal, key_hash: str, last4: str) -> bool:
        """Record a key with its last four characters; False when its hash or its id is known
        already, revoked or not."""
        ...

    async def revoke(self, tenant_id: UUID, key_id: UUID) -> str | None:
        """Close a key for good; its hash, also when it was closed before. None: the tenant has no
        such key."""
        ...

    async def open_keys(
        self, tenant_id: UUID, *, app_id: UUID | None, after: UUID | None, limit: int
    ) -> list[KeyRecord]:
        """Keys that are not revoked and whose id is above `after`, by id; `app_id` None: all."""
        ...

    async def used(self, tenant_id: UUID, uses: Mapping[UUID, datetime]) -> None:
        """Remember when keys were last used; an earlier time changes nothing."""
        ...

    async def is_open(self, tenant_id: UUID, key_hash: str) -> bool:
        """Whether a key stands under the hash and is not revoked."""
        ...
