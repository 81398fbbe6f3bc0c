"""Tenants, and the one moment in which the first of them is made."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID


class TenantRepository(Protocol):
    def first_start_lock(self) -> AbstractAsyncContextManager[None]:
        """Held by one process at a time, across the cluster."""
        ...

    async def oldest(self) -> UUID | None:
        """The first tenant ever made, None on a fresh database."""
        ...

    async def add(self, tenant_id: UUID, name: str) -> None: ...
