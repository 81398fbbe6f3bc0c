"""Where a signed link to a file leads: the link is the right."""

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from services.backend.app.files.show_file import ShowFile
from services.backend.interface.http.file_answer import file_answer


def file_link_router(show: ShowFile) -> APIRouter:
    router = APIRouter(prefix="/files", include_in_schema=False)

    @router.get("/{token}", response_class=StreamingResponse)
    async def linked(token: str, as_attachment: bool = False) -> StreamingResponse:
        return file_answer(await show.linked(token), as_attachment=as_attachment)

    _ = linked
    return router
