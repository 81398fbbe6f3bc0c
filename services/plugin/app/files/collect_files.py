"""Delete what calls have stored, once nothing can ask for it."""

from collections.abc import Awaitable, Callable, Collection

from libs.common.clock import Clock
from libs.common.keyed_calls.ledger import KEEP_ENDED, RunPlace
from libs.common.object_store.store import ObjectStore
from services.plugin.domain.stored_files import FOLDERS, owner_of

_AT_ONCE = 500


class CollectFiles:
    """A run's files go with the records of its calls: 24 hours after its end. Files of calls
    without a run go 24 hours after they were stored.

    `kept_runs` tells which of some runs have records. Several processes may collect at once.
    """

    def __init__(
        self,
        *,
        objects: ObjectStore,
        kept_runs: Callable[[Collection[RunPlace]], Awaitable[set[RunPlace]]],
        clock: Clock,
    ) -> None:
        self._objects = objects
        self._kept_runs = kept_runs
        self._clock = clock

    async def run(self) -> int:
        """How many went. Raises Unavailable and what the store raises."""
        gone = 0
        for folder in FOLDERS:
            old: list[str] = []
            async for info in self._objects.list(folder):
                if self._clock.now() - info.modified > KEEP_ENDED:
                    old.append(info.key)
                if len(old) == _AT_ONCE:
                    gone += await self._delete_unneeded(old)
                    old.clear()
            gone += await self._delete_unneeded(old)
        return gone

    async def _delete_unneeded(self, keys: list[str]) -> int:
        owners = {key: owner_of(key) for key in keys}
        kept = await self._kept_runs({owner for owner in owners.values() if owner is not None})
        unneeded = [key for key, owner in owners.items() if owner is None or owner not in kept]
        for key in unneeded:
            await self._objects.delete(key)
        return len(unneeded)
