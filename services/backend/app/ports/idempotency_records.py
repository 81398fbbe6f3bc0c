"""Which request a caller's idempotency key was first used for."""

from typing import Protocol
from uuid import UUID


class IdempotencyRecords(Protocol):
    async def claim(self, tenant_id: UUID, scope: str, key: str, request_hash: str) -> str:
        """Remember the request under the key; the hash that stands there, ours or an earlier."""
        ...

    async def release(self, tenant_id: UUID, scope: str, key: str, request_hash: str) -> None:
        """Forget the key, if that request stands under it."""
        ...
