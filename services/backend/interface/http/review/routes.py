"""Where a signed link leads: one form, and the answer of whoever has the link."""

from dataclasses import dataclass
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from libs.common.errors import CallerError, HeddleError
from services.backend.app.files.upload_file import UploadFile
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.forms import Forms
from services.backend.interface.http.review.answers import read_answer
from services.backend.interface.http.review.page import (
    HEADERS,
    closed_page,
    done_page,
    form_page,
    message_page,
)

_ACTOR = "link"
_SENT = "delivery"
_PREFIX = "/review"
REVIEW_PATHS = f"{_PREFIX}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDoor:
    """No cookie and no session: the link is the right, and its form is answered once."""

    forms: Forms
    links: FormLinks
    uploads: UploadFile

    async def shown(self, token: str, problem: HeddleError | None = None) -> HTMLResponse:
        """The form as it stands; after a try that was refused with its `problem`."""
        address = self.links.address(token)
        view = await self.forms.view(address.tenant_id, address.form_id)
        if view.status != "open":
            return _html(closed_page(view), 410)
        page = form_page(view, once=uuid4().hex, problem=problem.message if problem else None)
        return _html(page, problem.status if problem else 200)

    async def answered(self, token: str, request: Request) -> HTMLResponse:
        """The page behind an answer. Raises HeddleError where it was not taken."""
        address = self.links.address(token)
        view = await self.forms.view(address.tenant_id, address.form_id)
        actor = _ACTOR if address.delivery_id is None else f"{_SENT}/{address.delivery_id}"
        sent = await read_answer(request, address.tenant_id, view, actor, self.uploads)
        try:
            await self.forms.submit(address.tenant_id, address.form_id, sent.answer)
        except CallerError:
            # Refused for certain; whatever else went wrong, the answer may have been taken.
            await sent.forget()
            raise
        return _html(done_page(view.title), 200)


def review_router(door: ReviewDoor) -> APIRouter:
    router = APIRouter(prefix=_PREFIX, include_in_schema=False)

    @router.get("/{token}")
    async def show(token: str) -> HTMLResponse:
        try:
            return await door.shown(token)
        except HeddleError as error:
            return told_error(error)

    @router.post("/{token}")
    async def submit(token: str, request: Request) -> HTMLResponse:
        try:
            return await door.answered(token, request)
        except HeddleError as refused:
            try:
                return await door.shown(token, refused)
            except HeddleError as error:
                return told_error(error)

    _ = (show, submit)
    return router


def _html(page: str, status: int) -> HTMLResponse:
    return HTMLResponse(page, status, headers=HEADERS)


def told_error(error: HeddleError) -> HTMLResponse:
    """What people are told at this door."""
    return _html(message_page(error.title, error.message), error.status)
