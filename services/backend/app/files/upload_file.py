"""Keep a file that a client sends."""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from libs.common.clock import Clock
from libs.common.errors import HeddleError
from libs.common.identifiers import uuid7
from libs.common.object_store.store import ObjectStore
from services.backend.app.errors import IdempotencyKeyReused
from services.backend.app.ports.file_repository import FileRepository
from services.backend.app.ports.idempotency_records import IdempotencyRecords
from services.backend.domain.files.errors import (
    FileExtensionBlocked,
    FilenameNotExists,
    FileTooLarge,
    FileUnknown,
    UnsupportedFileType,
)
from services.backend.domain.files.file_kinds import SizeLimits
from services.backend.domain.files.file_names import extension_of, mime_type_of, safe_name
from services.backend.domain.files.records import FileOwner, UploadedFile
from services.backend.domain.files.stored_uploads import object_key


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUpload:
    """The bytes are stored; without a row they are collected after a day. `digest` is of the name
    and the bytes."""

    file_id: UUID
    name: str
    extension: str
    mime_type: str
    size: int
    object_key: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFile:
    """`blocked` are extensions (small letters, no dot) that nobody may upload."""

    files: FileRepository
    objects: ObjectStore
    idempotency: IdempotencyRecords
    clock: Clock
    limits: SizeLimits
    blocked: frozenset[str] = frozenset()

    async def store(
        self, tenant_id: UUID, *, filename: str, content_type: str, chunks: AsyncIterator[bytes]
    ) -> StoredUpload:
        """Stream the bytes to the object store; whose they are is told to `keep`.

        Raises FilenameNotExists, FileExtensionBlocked, UnsupportedFileType before anything is
        read, and FileTooLarge, after which nothing is stored.
        """
        name = safe_name(filename)
        if not name:
            raise FilenameNotExists("The specified filename does not exist.")
        extension = extension_of(name)
        if extension in self.blocked:
            raise FileExtensionBlocked(
                f"The file extension '.{extension}' is not allowed for security reasons."
            )
        mime_type = mime_type_of(name, content_type)
        if not mime_type:
            raise UnsupportedFileType("File type not allowed.")
        file_id, most, digest = uuid7(), self.limits.most_bytes(extension), sha256(name.encode())
        key = object_key(tenant_id, file_id, secrets.token_hex(16))
        size = await self.objects.put_stream(key, _at_most(chunks, most, digest.update))
        return StoredUpload(
            file_id=file_id,
            name=name,
            extension=extension,
            mime_type=mime_type,
            size=size,
            object_key=key,
            digest=digest.hexdigest(),
        )

    async def keep(
        self, stored: StoredUpload, owner: FileOwner, idempotency_key: str | None = None
    ) -> UploadedFile:
        """From here on the owner may name the file; under a key that was used before it is the file
        of then.

        Raises IdempotencyKeyReused where that was another one, FileUnknown where it is gone."""
        file = UploadedFile(
            file_id=stored.file_id,
            owner=owner,
            name=stored.name,
            extension=stored.extension,
            mime_type=stored.mime_type,
            size=stored.size,
            object_key=stored.object_key,
            created_at=self.clock.now(),
        )
        await self.files.add(file)
        return file if idempotency_key is None else await self._first(file, stored, idempotency_key)

    async def _first(self, file: UploadedFile, stored: StoredUpload, key: str) -> UploadedFile:
        tenant_id, scope, request = file.owner.tenant_id, _scope(file), _request(file, stored)
        standing = await self.idempotency.claim(tenant_id, scope, key, request)
        if standing == request:
            return file
        await self.files.delete_unnamed(tenant_id, [file.file_id])
        await self.drop(stored)
        file_id, _, digest = standing.partition("/")
        if digest != stored.digest:
            raise IdempotencyKeyReused("This Idempotency-Key was used for another upload.")
        first = await self.files.find(tenant_id, UUID(file_id))
        if first is None:
            raise FileUnknown("The file that was uploaded under this Idempotency-Key is gone.")
        return first

    async def forget(
        self, file: UploadedFile, stored: StoredUpload, idempotency_key: str | None
    ) -> None:
        """Undo `keep` for a file that no run has got. Raises Unavailable."""
        tenant_id = file.owner.tenant_id
        await self.files.delete(tenant_id, [file.file_id])
        if idempotency_key is not None:
            await self.idempotency.release(
                tenant_id, _scope(file), idempotency_key, _request(file, stored)
            )
        await self.drop(stored)

    async def drop(self, stored: StoredUpload) -> None:
        """Nobody will name it. Where that fails the collection does it."""
        try:
            await self.objects.delete(stored.object_key)
        except HeddleError:
            return


def _scope(file: UploadedFile) -> str:
    return f"upload/{file.owner.end_user_id}"


def _request(file: UploadedFile, stored: StoredUpload) -> str:
    return f"{file.file_id}/{stored.digest}"


async def _at_most(
    chunks: AsyncIterator[bytes], most: int, seen: Callable[[bytes], object]
) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise FileTooLarge(f"File size exceeded. At most {most} bytes are taken.")
        seen(chunk)
        yield chunk
