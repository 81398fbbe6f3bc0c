"""Columns whose body is above 256 KiB: it lies in the object store, and the column says where.

The object is encrypted under a key that stands in the column alone.
"""

import asyncio
from uuid import UUID

import msgspec

from libs.common.errors import Unavailable
from libs.common.identifiers import uuid7
from libs.common.object_store.sealed_objects import INLINE_BYTES, new_key, sealed
from libs.common.object_store.store import ObjectStore
from services.engine.app.errors import JournalUnreadable
from services.engine.infra.journal_codec import StoredEvent
from services.engine.infra.postgres.stored_events import StoredEvents

BODIES_FOLDER = "runs"
# As no JSON begins, and no sealed body.
_MARK = b"\x00stored\x01"
_encoder = msgspec.json.Encoder()
_places = msgspec.json.Decoder(StoredEvent)


def divided(
    body: bytes, *, tenant_id: UUID, run_id: UUID, what: str
) -> tuple[bytes, list[tuple[StoredEvent, bytes]]]:
    """What to write into the column, and the object to store before, if there is one. `what` the
    body is to its run stands in the object's name."""
    if len(body) <= INLINE_BYTES:
        return body, []
    name = f"{BODIES_FOLDER}/{tenant_id}/{run_id}.{what}.{uuid7().hex}"
    where = StoredEvent(kind=what, name=name, key=new_key(), size=len(body))
    return _MARK + _encoder.encode(where), [(where, body)]


def place_in(column: bytes) -> StoredEvent | None:
    """Where the column's body lies, None where it stands in the column. Raises
    JournalUnreadable."""
    if not column.startswith(_MARK):
        return None
    try:
        return _places.decode(column[len(_MARK) :])
    except msgspec.MsgspecError as error:
        raise JournalUnreadable(f"It cannot be read where a body lies: {error}") from error


class StoredBodies:
    """`store` None: every body stands in its column, and none that lies elsewhere can be read."""

    def __init__(self, store: ObjectStore | None) -> None:
        self._store = store
        self._objects = StoredEvents(store)

    async def kept(self, body: bytes, *, tenant_id: UUID, run_id: UUID, what: str) -> bytes:
        """What to write into the column; its object is stored. Raises Unavailable."""
        if self._store is None:
            return body
        column, large = divided(body, tenant_id=tenant_id, run_id=run_id, what=what)
        for where, whole in large:
            box = await asyncio.to_thread(sealed, whole, where.key)
            try:
                await self._store.put(where.name, box)
            except OSError as error:
                raise Unavailable(f"The object store cannot be written: {error}") from error
        return column

    async def whole(self, column: bytes) -> bytes:
        """The body. Raises JournalUnreadable where its object is gone or was altered, and
        Unavailable while the store is away."""
        where = place_in(column)
        return column if where is None else (await self._objects.fetch([where]))[where.name]
