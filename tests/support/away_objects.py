"""An object store that goes away when told."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from libs.common.object_store.filesystem_store import FilesystemStore
from libs.common.object_store.s3_store import ObjectStoreAway
from libs.common.object_store.store import ObjectInfo


@dataclass
class Objects(FilesystemStore):
    """A store that is `away` when told; `refused` is set once it was asked then."""

    folder: Path
    away: bool = False
    refused: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__(self.folder)

    async def put(self, key: str, body: bytes) -> None:
        if self.away:
            self.refused.set()
            raise ObjectStoreAway("not now")
        await super().put(key, body)

    async def get(self, key: str) -> bytes:
        if self.away:
            self.refused.set()
            raise ObjectStoreAway("not now")
        return await super().get(key)

    async def found(self) -> list[ObjectInfo]:
        return [info async for info in self.list("")]
