"""What the master key has sealed, whoever it belongs to."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class SealedSamples(Protocol):
    async def keep(self, tenant_id: UUID, sealed: bytes) -> None:
        """A tenant's own sample, in place of its earlier one."""
        ...

    async def some(self) -> Sequence[bytes]:
        """Some of the samples and stored secrets; none only when nothing is stored."""
        ...
