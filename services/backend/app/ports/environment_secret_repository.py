"""Sealed values of apps' secret environment variables."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from libs.common.contracts.environment_secrets import SecretReference
from services.backend.domain.apps.environment_secrets import StoredSecret
from services.backend.domain.apps.records import Draft


class EnvironmentSecretRepository(Protocol):
    """Values come with their app's documents (AppRepository) and go with the app."""

    async def find(
        self, tenant_id: UUID, app_id: UUID, wanted: Sequence[SecretReference]
    ) -> list[StoredSecret]:
        """Those of `wanted` that are stored."""
        ...

    async def newest_version(self, tenant_id: UUID, app_id: UUID, name: str) -> int: ...

    async def add(self, tenant_id: UUID, secret: StoredSecret, draft: Draft) -> bool:
        """Store a new version and the draft that names it, in place of the revision before; False
        when either was changed meanwhile, and then nothing is."""
        ...
