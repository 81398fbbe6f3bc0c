"""The object store as the application layer sees it."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

STREAM_BYTES = 1024 * 1024
"""Of a stream's piece, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """`size` in bytes; `modified` timezone-aware UTC."""

    key: str
    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Immutable bytes by key. Keys are relative paths of [A-Za-z0-9._-] parts; anything else
    raises InvalidInput. A missing key raises ObjectMissing."""

    async def put(self, key: str, body: bytes) -> None:
        """Store; complete or not at all, also under a crash. Overwrites."""
        ...

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes]) -> int:
        """Store what `chunks` bring and answer its size in bytes, holding a few MiB of it at a
        time. Where `chunks` raises, nothing is stored and the error goes on."""
        ...

    async def get(self, key: str) -> bytes: ...

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The same in pieces of at most 1 MiB, for bodies of any size."""
        ...

    async def delete(self, key: str) -> None:
        """Remove; silent when nothing stands there."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, in key order."""
        ...
