"""Hand out an uploaded file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from libs.common.errors import NotFound
from libs.common.object_store.store import ObjectStore
from services.backend.app.files.file_links import FileLinks
from services.backend.app.ports.file_repository import FileRepository
from services.backend.domain.files.errors import FileUnknown
from services.backend.domain.files.records import UploadedFile

_GONE = "The requested file was not found."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """`chunks` are its bytes; close them where they are not read to their end."""

    file: UploadedFile
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFile:
    files: FileRepository
    objects: ObjectStore
    links: FileLinks

    async def of_app(self, tenant_id: UUID, app_id: UUID, file_id: UUID) -> ShownFile:
        """Raises FileUnknown, also for a file of another app."""
        file = await self.files.find(tenant_id, file_id)
        if file is None or file.owner.app_id != app_id:
            raise FileUnknown(_GONE)
        return await self._shown(file)

    async def linked(self, token: str) -> ShownFile:
        """Of a signed link. Raises FileUnknown."""
        address = self.links.address(token)
        file = await self.files.find(address.tenant_id, address.file_id)
        if file is None:
            raise FileUnknown(_GONE)
        return await self._shown(file)

    async def _shown(self, file: UploadedFile) -> ShownFile:
        chunks = self.objects.stream(file.object_key)
        try:
            # Whether the object is there has to be known before an answer begins.
            first = await anext(chunks, b"")
        except NotFound as error:
            raise FileUnknown(_GONE) from error
        return ShownFile(file=file, chunks=_from(first, chunks))


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
