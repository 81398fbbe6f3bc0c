"""Hand out a file: an upload, or what a run has stored."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.errors import NotFound
from libs.common.object_store.store import ObjectStore
from libs.common.stored_file_links import StoredFileAddress, StoredFileLinks
from libs.common.stored_files import StoredFiles
from services.backend.app.files.file_links import FileLinks
from services.backend.app.ports.file_repository import FileRepository
from services.backend.domain.files.errors import FileUnknown
from services.backend.domain.files.file_names import safe_name
from services.backend.domain.files.records import UploadedFile

_GONE = "The requested file was not found."


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """`chunks` are its bytes, `size` of them; close them where they are not read to their end."""

    name: str
    mime_type: str
    size: int
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """What runs have stored, by signed links alone."""

    links: StoredFileLinks
    stored: StoredFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFile:
    files: FileRepository
    objects: ObjectStore
    links: FileLinks
    run_files: RunFiles

    async def of_app(self, tenant_id: UUID, app_id: UUID, file_id: UUID) -> ShownFile:
        """Raises FileUnknown, also for a file of another app."""
        file = await self.files.find(tenant_id, file_id)
        if file is None or file.owner.app_id != app_id:
            raise FileUnknown(_GONE)
        return await self._upload(file)

    async def linked(self, token: str) -> ShownFile:
        """Of a signed link. Raises FileUnknown."""
        stored = self.run_files.links.address(token)
        if stored is not None:
            return await self._of_run(stored)
        address = self.links.address(token)
        file = await self.files.find(address.tenant_id, address.file_id)
        if file is None:
            raise FileUnknown(_GONE)
        return await self._upload(file)

    async def _upload(self, file: UploadedFile) -> ShownFile:
        chunks = await self._streamed(file.object_key)
        return ShownFile(name=file.name, mime_type=file.mime_type, size=file.size, chunks=chunks)

    async def _of_run(self, file: StoredFileAddress) -> ShownFile:
        if file.sealed_run is None:
            chunks = await self._streamed(file.object_key)
        else:
            chunks = _one(await self._opened(file))
        return ShownFile(
            name=safe_name(file.filename), mime_type=file.mime_type, size=file.size, chunks=chunks
        )

    async def _opened(self, file: StoredFileAddress) -> bytes:
        # A seal is broken as a whole; what a node may store is small enough for that.
        envelope = Envelope(tenant_id=file.tenant_id, sealed_run=file.sealed_run)
        try:
            return await self.run_files.stored.read(
                file.object_key, envelope=envelope, most_bytes=file.size
            )
        except NotFound as error:
            raise FileUnknown(_GONE) from error

    async def _streamed(self, key: str) -> AsyncIterator[bytes]:
        chunks = self.objects.stream(key)
        try:
            # Whether the object is there has to be known before an answer begins.
            first = await anext(chunks, b"")
        except NotFound as error:
            raise FileUnknown(_GONE) from error
        return _from(first, chunks)


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
