"""Bodies on their way: large ones go through the object store, those of some runs are sealed.

What lies in the store is encrypted under a key of its own that travels with the message alone: a
large body may hold what a run made of a secret on any subject, also where nothing says so.
"""

from datetime import datetime, timedelta

from libs.common.identifiers import uuid7
from libs.common.messaging.headers import BODY_REF, sealed_for
from libs.common.object_store.sealed_objects import INLINE_BYTES, new_key, opened, sealed
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing, required

_PASSING = "messages/passing/"
_KEPT = "messages/kept/"
_PASSING_AGE = timedelta(hours=24)
# Longer than a stream keeps the message that names it.
_KEPT_AGE = timedelta(days=8)
_PLACE = "message"


class BodyReferences:
    """Replaces bodies above 256 KiB by the key of an object, and back. Where the headers name a
    run, the body is sealed for it first. `sealing` None: such bodies are refused."""

    def __init__(self, store: ObjectStore, sealing: RunSealing | None = None) -> None:
        self._store = store
        self._sealing = sealing

    async def outgoing(self, body: bytes, headers: dict[str, str], *, kept: bool = False) -> bytes:
        """What to send; a reference is added to `headers` once its object is stored.

        `kept` True: the message waits in a stream, so its body must last as long.
        """
        run = sealed_for(headers)
        if run is not None and body:
            tenant_id, run_id = run
            body = required(self._sealing).seal(
                body, tenant_id=tenant_id, run_id=run_id, place=_PLACE
            )
        if len(body) <= INLINE_BYTES:
            return body
        name = f"{_KEPT if kept else _PASSING}{uuid7().hex}"
        key = new_key()
        await self._store.put(name, sealed(body, key))
        headers[BODY_REF] = f"{name} {key}"
        return b""

    async def incoming(self, body: bytes, headers: dict[str, str] | None) -> bytes:
        """The whole body of a received message."""
        if headers is None:
            return body
        reference = headers.get(BODY_REF)
        if reference is not None:
            body = await self._fetched(reference)
        run = sealed_for(headers)
        if run is None:
            return body
        tenant_id, run_id = run
        return required(self._sealing).reveal(
            body, tenant_id=tenant_id, run_id=run_id, place=_PLACE
        )

    async def _fetched(self, reference: str) -> bytes:
        name, _, key = reference.partition(" ")
        return opened(await self._store.get(name), key)

    async def collect(self, now: datetime) -> int:
        """Delete bodies that no message can name any more; returns how many."""
        found = 0
        for prefix, age in ((_PASSING, _PASSING_AGE), (_KEPT, _KEPT_AGE)):
            async for info in self._store.list(prefix):
                if now - info.modified > age:
                    await self._store.delete(info.key)
                    found += 1
        return found
