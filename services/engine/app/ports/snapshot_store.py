"""Snapshots of runs under way. Nothing depends on one: the journal has it all."""

from typing import Protocol
from uuid import UUID

from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.run_snapshot import RunSnapshot


class SnapshotStore(Protocol):
    """At most one a run, the newest. A run that ends takes its own along."""

    async def keep(self, claim: Claim, snapshot: RunSnapshot) -> int:
        """Store in place of an older one, if the run is still owned under `claim`.

        Everything up to `snapshot.seq` is durable. Returns its size in bytes; one above the
        store's bound counts as that and is not stored. Raises Unavailable, and JournalRefused when
        a value is not JSON.
        """
        ...

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, at_most: int | None = None
    ) -> RunSnapshot | None:
        """The one stored, None where it is none that this version can take up or lies above the
        event numbered `at_most`. Raises Unavailable."""
        ...
