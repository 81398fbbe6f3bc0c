"""Sealed credentials of model providers."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredential:
    """`revision` rises with every change. `base_url` None: the provider's own."""

    provider: str
    sealed: bytes
    base_url: str | None
    revision: int


class CredentialRepository(Protocol):
    async def put(
        self, tenant_id: UUID, provider: str, sealed: bytes, base_url: str | None
    ) -> int: ...

    async def all_of(self, tenant_id: UUID) -> list[StoredCredential]: ...

    async def find(self, tenant_id: UUID, provider: str) -> StoredCredential | None: ...

    async def delete(self, tenant_id: UUID, provider: str) -> bool: ...
