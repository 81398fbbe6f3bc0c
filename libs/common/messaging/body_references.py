"""Large bodies travel through the object store."""

from datetime import datetime, timedelta

from libs.common.identifiers import uuid7
from libs.common.messaging.headers import BODY_REF
from libs.common.object_store.store import ObjectStore

INLINE_BYTES = 256 * 1024
_PASSING = "messages/passing/"
_KEPT = "messages/kept/"
_PASSING_AGE = timedelta(hours=24)
# Longer than a stream keeps the message that names it.
_KEPT_AGE = timedelta(days=8)


class BodyReferences:
    """Replaces bodies above 256 KiB by the key of an object, and back."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def outgoing(self, body: bytes, headers: dict[str, str], *, kept: bool = False) -> bytes:
        """What to send; a reference is added to `headers` once its object is stored.

        `kept` True: the message waits in a stream, so its body must last as long.
        """
        if len(body) <= INLINE_BYTES:
            return body
        key = f"{_KEPT if kept else _PASSING}{uuid7().hex}"
        await self._store.put(key, body)
        headers[BODY_REF] = key
        return b""

    async def incoming(self, body: bytes, headers: dict[str, str] | None) -> bytes:
        """The whole body of a received message."""
        if headers is None:
            return body
        key = headers.get(BODY_REF)
        return body if key is None else await self._store.get(key)

    async def collect(self, now: datetime) -> int:
        """Delete bodies that no message can name any more; returns how many."""
        found = 0
        for prefix, age in ((_PASSING, _PASSING_AGE), (_KEPT, _KEPT_AGE)):
            async for info in self._store.list(prefix):
                if now - info.modified > age:
                    await self._store.delete(info.key)
                    found += 1
        return found
