"""What is stored of runs beside their rows, large events and bodies, fetched from where the rows
say that it lies."""

import asyncio
from collections.abc import Sequence

from libs.common.errors import NotFound, PlatformFault, Unavailable
from libs.common.object_store.sealed_objects import opened
from libs.common.object_store.store import ObjectStore
from services.engine.app.errors import JournalUnreadable
from services.engine.infra.journal_codec import StoredEvent

_AT_ONCE = 4


class StoredEvents:
    """`store` None: what a row names cannot be read."""

    def __init__(self, store: ObjectStore | None) -> None:
        self._store = store

    async def fetch(self, wanted: Sequence[StoredEvent]) -> dict[str, bytes]:
        """Their bytes by name. Raises JournalUnreadable where one is gone or was altered, and
        Unavailable while the store is away."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(event: StoredEvent) -> bytes:
            async with places:
                return await self._one(event)

        bodies = await asyncio.gather(*(one(event) for event in wanted))
        return {event.name: body for event, body in zip(wanted, bodies, strict=True)}

    async def _one(self, event: StoredEvent) -> bytes:
        if self._store is None:
            raise JournalUnreadable("This process has no object store, where a part of the run is.")
        try:
            stored = await self._store.get(event.name)
            return await asyncio.to_thread(opened, stored, event.key)
        except Unavailable:
            raise
        except OSError as error:
            raise Unavailable(f"The object store cannot be read: {error}") from error
        except (NotFound, PlatformFault) as error:
            raise JournalUnreadable(
                f"A part of the run is lost: the object {event.name} cannot be used "
                f"({error.message}). "
                "Restore it from the object store's backup, then resume the run."
            ) from error
