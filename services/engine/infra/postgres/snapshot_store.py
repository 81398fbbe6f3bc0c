"""Snapshots as rows, one a run."""

import asyncio
import logging
from uuid import UUID

from libs.common.database.asyncpg_pool import Pool
from libs.common.errors import PlatformFault, Unavailable
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing, required
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.run_snapshot import FOLD_VERSION, RunSnapshot
from services.engine.infra import snapshot_codec
from services.engine.infra.postgres.statements import Statements
from services.engine.infra.postgres.stored_bodies import StoredBodies
from services.engine.infra.snapshot_codec import decode_snapshot, encode_snapshot, snapshot_place

_log = logging.getLogger(__name__)

SNAPSHOT = "snapshot"
_AT_ONCE = 2
_KEEP = "SELECT engine.keep_snapshot($1, $2, $3, $4, $5, $6)"
_NEWEST = """
SELECT seq, fold_version, bytes FROM engine.snapshots
WHERE tenant_id = $1 AND run_id = $2 AND fold_version = $3
AND ($4::bigint IS NULL OR seq <= $4)"""


class PostgresSnapshotStore:
    """Implements SnapshotStore. `pool` signs in as heddle_app; `sealing` None: runs with secrets
    have no snapshots. Those above 256 KiB lie in `objects`; None: in their rows. Few are stored at
    once: the other statements need the pool more."""

    def __init__(
        self,
        pool: Pool,
        sealing: RunSealing | None = None,
        objects: ObjectStore | None = None,
    ) -> None:
        self._statements = Statements(pool)
        self._sealing = sealing
        self._bodies = StoredBodies(objects)
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def keep(self, claim: Claim, snapshot: RunSnapshot) -> int:
        async with self._places:
            encoded = await asyncio.to_thread(encode_snapshot, snapshot)
            if encoded is None:
                return snapshot_codec.MAX_SNAPSHOT_BYTES
            column = await self._bodies.kept(
                encoded, tenant_id=claim.tenant_id, run_id=claim.run_id, what=SNAPSHOT
            )
            await self._statements.fetch(
                _KEEP,
                claim.tenant_id,
                claim.run_id,
                claim.epoch,
                snapshot.seq,
                FOLD_VERSION,
                self._closed(claim, snapshot.seq, column),
            )
            return len(encoded)

    async def newest(
        self, tenant_id: UUID, run_id: UUID, *, at_most: int | None = None
    ) -> RunSnapshot | None:
        rows = await self._statements.fetch_of(
            [tenant_id], _NEWEST, tenant_id, run_id, FOLD_VERSION, at_most
        )
        if not rows:
            return None
        row = rows[0]
        found = await self._opened(tenant_id, run_id, row["seq"], row["bytes"], row["fold_version"])
        if found is None:
            _log.warning("the snapshot of run %s is of no use; its journal is read", run_id)
        return found

    def _closed(self, claim: Claim, seq: int, column: bytes) -> bytes:
        if not claim.request.has_secrets:
            return column
        return required(self._sealing).seal(
            column, tenant_id=claim.tenant_id, run_id=claim.run_id, place=snapshot_place(seq)
        )

    async def _opened(
        self, tenant_id: UUID, run_id: UUID, seq: int, stored: bytes, fold_version: int
    ) -> RunSnapshot | None:
        try:
            if self._sealing is not None:
                place = snapshot_place(seq)
                stored = self._sealing.reveal(
                    stored, tenant_id=tenant_id, run_id=run_id, place=place
                )
            stored = await self._bodies.whole(stored)
        except Unavailable:
            raise
        except PlatformFault:
            return None
        found = decode_snapshot(stored, fold_version=fold_version)
        return found if found is not None and found.seq == seq else None
