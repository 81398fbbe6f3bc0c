"""Sealed values of apps' secret environment variables."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from libs.common.contracts.environment_secrets import SecretReference
from libs.common.contracts.workflows import WorkflowDefinition
from services.backend.domain.apps.environment_secrets import StoredSecret


class EnvironmentSecretRepository(Protocol):
    """Values come with their app's import (AppRepository.add) and go with the app."""

    async def find(
        self, tenant_id: UUID, app_id: UUID, wanted: Sequence[SecretReference]
    ) -> list[StoredSecret]:
        """Those of `wanted` that are stored."""
        ...

    async def newest_version(self, tenant_id: UUID, app_id: UUID, name: str) -> int: ...

    async def add(
        self, tenant_id: UUID, app_id: UUID, secret: StoredSecret, draft: WorkflowDefinition
    ) -> bool:
        """Store a new version and the draft that names it; False when that version was stored
        meanwhile, and then nothing is changed."""
        ...
