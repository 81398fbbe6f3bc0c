"""Delete uploads that no run names."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import HeddleError
from libs.common.object_store.store import ObjectStore
from services.backend.app.ports.file_repository import FileRepository
from services.backend.domain.files.stored_uploads import FOLDER, file_of

KEEP_SECONDS = 86_400.0
"""What nobody has named for so long after its upload goes."""
_PAUSE_SECONDS = 6 * 3600.0
_AT_ONCE = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectUploads:
    """A file that a run names stays as long as the run's row does, which is for ever today. Several
    processes may collect at once."""

    files: FileRepository
    objects: ObjectStore
    clock: Clock

    async def run(self) -> None:
        """For ever, every six hours."""
        while True:
            await self.clock.sleep(_PAUSE_SECONDS)
            try:
                await self.collect()
            except HeddleError as error:
                _log.warning("old uploads stay: %s", error.message)

    async def collect(self) -> int:
        """How many objects went. Raises Unavailable and what the store raises."""
        return await self._unnamed() + await self._rowless()

    async def _unnamed(self) -> int:
        gone = 0
        while found := await self.files.unnamed(older_than_seconds=KEEP_SECONDS, limit=_AT_ONCE):
            for tenant_id, group in groupby(sorted(found), key=lambda each: each[0]):
                ids = [file_id for _, file_id in group]
                for key in await self.files.delete_unnamed(tenant_id, ids):
                    await self.objects.delete(key)
                    gone += 1
        return gone

    async def _rowless(self) -> int:
        """Objects whose row was never committed, or is gone without them."""
        gone = 0
        old: dict[str, tuple[UUID, UUID]] = {}
        async for info in self.objects.list(FOLDER):
            place = file_of(info.key)
            age = (self.clock.now() - info.modified).total_seconds()
            if place is not None and age > KEEP_SECONDS:
                old[info.key] = place
            if len(old) == _AT_ONCE:
                gone += await self._delete_rowless(old)
                old = {}
        return gone + await self._delete_rowless(old)

    async def _delete_rowless(self, old: dict[str, tuple[UUID, UUID]]) -> int:
        gone = 0
        for tenant_id, keys in groupby(sorted(old), key=lambda key: old[key][0]):
            mine = list(keys)
            known = await self._known(tenant_id, [old[key][1] for key in mine])
            for key in mine:
                if old[key][1] not in known:
                    await self.objects.delete(key)
                    gone += 1
        return gone

    async def _known(self, tenant_id: UUID, file_ids: Collection[UUID]) -> set[UUID]:
        return await self.files.known(tenant_id, file_ids)
