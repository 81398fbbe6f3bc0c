"""The recent text of running runs, kept for readers that come late."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from libs.common.contracts.run_events import TextDelta


class DeltaTail(Protocol):
    async def append(self, tenant_id: UUID, run_id: UUID, deltas: Sequence[TextDelta]) -> None:
        """Best effort: bounded, expiring, and silent when its store is away."""
        ...
