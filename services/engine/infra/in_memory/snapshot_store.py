"""Snapshots in memory, by the rules of the real store."""

from uuid import UUID

from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot
from services.engine.infra import snapshot_codec
from services.engine.infra.in_memory.engine_state import EngineState, StoredSnapshot


class InMemorySnapshotStore:
    """Implements SnapshotStore."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def keep(self, claim: Claim, snapshot: RunSnapshot) -> int:
        stored = snapshot_codec.encode_snapshot(snapshot)
        if stored is None:
            return snapshot_codec.MAX_SNAPSHOT_BYTES
        row = self._state.runs[claim.tenant_id, claim.run_id]
        if (row.status, row.epoch) == ("running", claim.epoch):
            made = StoredSnapshot(claim.epoch, snapshot.seq, FOLD_VERSION, stored)
            if row.snapshot is None or row.snapshot[:2] < made[:2]:
                row.snapshot = made
        return len(stored)

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, at_most: int | None = None
    ) -> RunSnapshot | None:
        row = self._state.runs.get((tenant_id, run_id))
        kept = row.snapshot if row is not None else None
        if kept is None or (at_most is not None and kept.seq > at_most):
            return None
        return snapshot_codec.decode_snapshot(kept.stored, fold_version=kept.fold_version)
