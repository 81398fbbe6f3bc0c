"""Drafts of apps on the native API."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, JsonValue
from starlette.responses import Response

from libs.common.errors import InvalidInput
from services.backend.app.apps.replace_draft import ReplaceDraft
from services.backend.app.apps.report_view import report_view
from services.backend.app.apps.show_apps import ShowApps
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf

DOCUMENT = {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}
_TAG = re.compile(r'"([0-9]{1,18})"')


class DraftView(BaseModel):
    """`version_id` is what the app runs now, None while nothing is published; `published`: this
    request made it so. `revision` is the draft's, for `If-Match`."""

    app_id: UUID
    mode: str
    name: str
    revision: int
    version_id: UUID | None
    published: bool
    report: dict[str, JsonValue]


def native_draft_router(caller: CallerOf, replace: ReplaceDraft, apps: ShowApps) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["apps"])
    workspace = Depends(caller.of("adm", "ws"))

    @router.put("/apps/{app_id}/draft", openapi_extra={"requestBody": DOCUMENT})
    async def put(
        app_id: UUID,
        request: Request,
        response: Response,
        who: Annotated[Principal, workspace],
        publish: bool = False,
        if_match: Annotated[str | None, Header(max_length=255)] = None,
    ) -> DraftView:
        """The body is the DSL document, YAML as it stands. With `If-Match` it takes the place of
        that revision only."""
        seen = _revision(if_match)
        source = await request.body()
        done = await replace(who.tenant_id, app_id, source, publish=publish, revision=seen)
        response.headers["ETag"] = _entity_tag(done.draft.revision)
        return DraftView(
            app_id=app_id,
            mode=done.app.mode,
            name=done.app.name,
            revision=done.draft.revision,
            version_id=done.version_id,
            published=done.published,
            report=report_view(done.draft.report),
        )

    @router.get("/apps/{app_id}/export")
    async def export(app_id: UUID, who: Annotated[Principal, workspace]) -> Response:
        """The draft's document exactly as it was sent, save that secret values are empty."""
        _, draft = await apps.one(who.tenant_id, app_id)
        headers = {"ETag": _entity_tag(draft.revision)}
        return Response(draft.source, media_type="application/yaml", headers=headers)

    _ = (put, export)
    return router


def _entity_tag(revision: int) -> str:
    return f'"{revision}"'


def _revision(if_match: str | None) -> int | None:
    """None: any. Raises InvalidInput for what this door never gave out."""
    if if_match is None or if_match.strip() == "*":
        return None
    matched = _TAG.fullmatch(if_match.strip())
    if matched is None:
        raise InvalidInput('`If-Match` takes one revision in quotation marks, as in "3".')
    return int(matched[1])
