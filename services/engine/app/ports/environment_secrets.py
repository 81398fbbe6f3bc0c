"""The values of secret environment variables."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from services.engine.domain.variables.values import Value


class EnvironmentSecrets(Protocol):
    async def open(
        self, tenant_id: UUID, app_id: UUID, wanted: Mapping[str, int], *, patience: float
    ) -> Mapping[str, Value]:
        """The values of `wanted`, versions by name; those that are gone or cannot be opened are
        left out. Raises Unavailable when they cannot be asked for within `patience` seconds."""
        ...


class NoSecrets:
    """Implements EnvironmentSecrets where nobody keeps any."""

    async def open(
        self, tenant_id: UUID, app_id: UUID, wanted: Mapping[str, int], *, patience: float
    ) -> Mapping[str, Value]:
        return {}
