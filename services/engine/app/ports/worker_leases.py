"""Leases of worker incarnations."""

from typing import Protocol
from uuid import UUID


class WorkerLeases(Protocol):
    """Judged by the store's clock. Calls raise Unavailable when it is away."""

    async def beat(self, worker: UUID, *, seconds: float) -> None:
        """Hold the lease for `seconds` from now; the first beat registers the worker."""
        ...

    async def step_down(self, worker: UUID) -> None:
        """End the lease. The worker has handed its runs back."""
        ...

    async def prepare_journal(self) -> None:
        """See to it that the journal has room for the months ahead."""
        ...
