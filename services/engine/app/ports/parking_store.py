"""Runs that nobody drives because nothing of them is under way, and what wakes them."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from libs.common.contracts.run_commands import RunStatus
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Timer


class Parked(Enum):
    """COMMANDED: something was sent meanwhile, the run is still its owner's. LOST: it is not."""

    PARKED = "parked"
    COMMANDED = "commanded"
    LOST = "lost"


class WokenRun(NamedTuple):
    """A run that has a new command. Queued: it was parked; running: its owner has to look."""

    tenant_id: UUID
    run_id: UUID
    status: RunStatus
    epoch: int


class ParkingStore(Protocol):
    """Every call raises Unavailable when the store is away."""

    async def park(
        self, worker: UUID, claim: Claim, timers: Sequence[Timer], done: Sequence[UUID]
    ) -> Parked:
        """In one transaction: note the commands in `done` as drained, look for others, keep
        `timers`, and release the run."""
        ...

    async def fire_due(self, most: int) -> list[WokenRun]:
        """Turn the due timers of at most `most` runs into commands; a form whose time is up can
        no longer be answered. The store's clock judges."""
        ...
