"""Uploading files and getting them back, on Dify's wire."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import StreamingResponse

from libs.common.errors import HeddleError
from libs.common.http_middleware import BodyBound
from libs.common.multipart_stream import MultipartStream
from services.backend.app.files.show_file import ShowFile
from services.backend.app.files.upload_file import StoredUpload, UploadFile
from services.backend.domain.files.errors import FileTooLarge, NoFileUploaded, TooManyFiles
from services.backend.domain.files.file_kinds import MEBIBYTE, SizeLimits
from services.backend.domain.files.records import FileOwner, UploadedFile
from services.backend.domain.identity.end_users import end_user_id
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf, app_of
from services.backend.interface.http.dify.bodies import user_or_default
from services.backend.interface.http.dify.errors import ERRORS
from services.backend.interface.http.file_answer import file_answer

UPLOAD_PATH = "/v1/files/upload"
_FILE, _USER = "file", "user"
_FORM: dict[str, Any] = {
    "type": "object",
    "required": [_FILE],
    "properties": {
        _FILE: {"type": "string", "format": "binary"},
        _USER: {"type": "string"},
    },
}


def upload_bound(limits: SizeLimits) -> BodyBound:
    """What an upload's whole body may have: the largest file, and room for what is around it."""
    return BodyBound(most_bytes=limits.largest_bytes + MEBIBYTE, error=FileTooLarge)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDoor:
    caller: CallerOf
    upload: UploadFile
    show: ShowFile

    async def uploaded(
        self, who: Principal, request: Request, idempotency_key: str | None
    ) -> UploadedFile:
        """Raises InvalidInput, and what UploadFile refuses with."""
        chunks = request.stream()
        content_type = request.headers.get("content-type", "")
        form = _Form(self.upload, who.tenant_id, MultipartStream(chunks, content_type))
        try:
            await form.read()
            owner = FileOwner(
                tenant_id=who.tenant_id,
                app_id=app_of(who),
                end_user_id=end_user_id(app_of(who), user_or_default(form.user)),
            )
            return await self.upload.keep(form.only_file(), owner, idempotency_key)
        except HeddleError:
            for stored in form.files:
                await self.upload.drop(stored)
            # An answer to a client that is still sending would be lost on many of them.
            await _read_to_its_end(chunks)
            raise


class _Form:
    """The fields of the upload form; a file is stored as it comes."""

    def __init__(self, upload: UploadFile, tenant_id: UUID, body: MultipartStream) -> None:
        self._upload = upload
        self._tenant_id = tenant_id
        self._body = body
        self.user: str | None = None
        self.files: list[StoredUpload] = []

    async def read(self) -> None:
        while (head := await self._body.next_part()) is not None:
            if head.filename is not None and self.files:
                raise TooManyFiles("Only one file is allowed.")
            if head.filename is not None and head.name == _FILE:
                stored = await self._upload.store(
                    self._tenant_id,
                    filename=head.filename,
                    content_type=head.content_type,
                    chunks=self._body.body(),
                )
                self.files.append(stored)
            elif head.name == _USER:
                self.user = await self._body.text()

    def only_file(self) -> StoredUpload:
        if not self.files:
            raise NoFileUploaded("Please upload your file.")
        return self.files[0]


def file_router(door: FileDoor) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["dify: files"], responses=ERRORS)
    app_key = Depends(door.caller.of("app"))

    @router.post(
        "/files/upload",
        status_code=201,
        openapi_extra={
            "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
        },
    )
    async def upload(
        request: Request,
        who: Annotated[Principal, app_key],
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> dict[str, JsonValue]:
        return _shown(await door.uploaded(who, request, idempotency_key))

    @router.get("/files/{file_id}/preview", response_class=StreamingResponse)
    async def preview(
        file_id: UUID,
        who: Annotated[Principal, app_key],
        as_attachment: bool = False,
        user: str | None = None,
    ) -> StreamingResponse:
        # The key is the app's: its own server sees what its users sent.
        _ = user
        shown = await door.show.of_app(who.tenant_id, app_of(who), file_id)
        return file_answer(shown, as_attachment=as_attachment)

    _ = (upload, preview)
    return router


async def _read_to_its_end(chunks: AsyncIterator[bytes]) -> None:
    with suppress(HeddleError):
        async for _ in chunks:
            pass


def _shown(file: UploadedFile) -> dict[str, JsonValue]:
    return {
        "id": str(file.file_id),
        "name": file.name,
        "size": file.size,
        "extension": file.extension,
        "mime_type": file.mime_type,
        "created_by": str(file.owner.end_user_id),
        "created_at": int(file.created_at.timestamp()),
        "reference": None,
        "preview_url": None,
        "source_url": None,
        "original_url": None,
        "user_id": None,
        "tenant_id": None,
        "conversation_id": None,
        "file_key": None,
    }
