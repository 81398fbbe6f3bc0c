"""Where a signed link leads: one form, and the answer of whoever has the link."""

from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from libs.common.errors import HeddleError, InvalidInput
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.forms import FormAnswer, Forms
from services.backend.interface.http.review.page import (
    HEADERS,
    closed_page,
    done_page,
    form_page,
    message_page,
)

_ACTOR = "link"
_SENT = "delivery"
_MOST_FIELDS = 200
_FIELD = "field-"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDoor:
    """No cookie and no session: the link is the right, and its form is answered once."""

    forms: Forms
    links: FormLinks

    async def shown(self, token: str, problem: HeddleError | None = None) -> HTMLResponse:
        """The form as it stands; after a try that was refused with its `problem`."""
        address = self.links.address(token)
        view = await self.forms.view(address.tenant_id, address.form_id)
        if view.status != "open":
            return _html(closed_page(view), 410)
        page = form_page(view, once=uuid4().hex, problem=problem.message if problem else None)
        return _html(page, problem.status if problem else 200)

    async def answered(self, token: str, body: bytes) -> HTMLResponse:
        """The page behind an answer. Raises HeddleError where it was not taken."""
        address = self.links.address(token)
        view = await self.forms.view(address.tenant_id, address.form_id)
        actor = _ACTOR if address.delivery_id is None else f"{_SENT}/{address.delivery_id}"
        await self.forms.submit(address.tenant_id, address.form_id, _answer(body, actor))
        return _html(done_page(view.title), 200)


def review_router(door: ReviewDoor) -> APIRouter:
    router = APIRouter(prefix="/review", include_in_schema=False)

    @router.get("/{token}")
    async def show(token: str) -> HTMLResponse:
        try:
            return await door.shown(token)
        except HeddleError as error:
            return _told(error)

    @router.post("/{token}")
    async def submit(token: str, request: Request) -> HTMLResponse:
        try:
            return await door.answered(token, await request.body())
        except HeddleError as refused:
            try:
                return await door.shown(token, refused)
            except HeddleError as error:
                return _told(error)

    _ = (show, submit)
    return router


def _answer(body: bytes, actor: str) -> FormAnswer:
    try:
        parsed = parse_qs(
            body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise InvalidInput("The answer cannot be read.") from error
    given = {name: values[-1] for name, values in parsed.items()}
    return FormAnswer(
        action=given.get("action", ""),
        inputs={
            name.removeprefix(_FIELD): value.replace("\r\n", "\n")
            for name, value in given.items()
            if name.startswith(_FIELD)
        },
        actor=actor,
        # What was on the page, so that nobody approves what they did not see.
        digest=given.get("digest", ""),
        occasion=given.get("once") or None,
    )


def _html(page: str, status: int) -> HTMLResponse:
    return HTMLResponse(page, status, headers=HEADERS)


def _told(error: HeddleError) -> HTMLResponse:
    return _html(message_page(error.title, error.message), error.status)
