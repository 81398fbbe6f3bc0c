"""The recent text of running runs, for readers that come late."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from libs.common.contracts.run_events import TextDelta


class DeltaTail(Protocol):
    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[TextDelta]:
        """What is kept, oldest first. Empty when nothing is, or its store is away: a late reader
        then gets the text with the next committed event."""
        ...


class NoDeltaTail:
    """Stands in where nothing is kept."""

    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[TextDelta]:
        return ()
