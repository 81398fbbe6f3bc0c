"""Apps on the native API."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel, JsonValue
from starlette.responses import Response

from libs.common.contracts.workflows import Finding
from services.backend.app.apps.import_app import ImportApp
from services.backend.app.apps.publish_app import PublishApp
from services.backend.app.apps.report_view import report_view
from services.backend.app.apps.show_apps import ShowApps
from services.backend.app.identity.app_keys import AppKeys
from services.backend.domain.apps.records import App
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.native.draft_routes import DOCUMENT

IdempotencyKey = Annotated[str | None, Header(max_length=255)]


class AppView(BaseModel):
    """`version_id` None: nothing is published. Times are Unix seconds."""

    app_id: UUID
    name: str
    mode: str
    description: str
    version_id: UUID | None
    created_at: int
    updated_at: int

    @classmethod
    def of(cls, app: App) -> "AppView":
        return cls(
            app_id=app.app_id,
            name=app.name,
            mode=app.mode,
            description=app.description,
            version_id=app.published_version_id,
            created_at=int(app.created_at.timestamp()),
            updated_at=int(app.updated_at.timestamp()),
        )


class AppList(BaseModel):
    apps: list[AppView]


class AppDetail(AppView):
    """`report` is the draft's, as it was at its import; `revision` the draft's too."""

    report: dict[str, JsonValue]
    revision: int


class ImportView(BaseModel):
    """`api_key` opens the app's /v1 door; `version_id` None: not published. `revision` is the
    draft's."""

    app_id: UUID
    mode: str
    name: str
    api_key: str
    version_id: UUID | None
    report: dict[str, JsonValue]
    revision: int


class PublishedView(BaseModel):
    """`warnings` forbid nothing."""

    app_id: UUID
    version_id: UUID
    warnings: list[Finding]


class KeyView(BaseModel):
    """Shown once; only its hash is stored."""

    key_id: UUID
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeAppDoor:
    caller: CallerOf
    import_app: ImportApp
    publish_app: PublishApp
    show_apps: ShowApps
    keys: AppKeys


def native_app_router(door: NativeAppDoor) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["apps"])
    workspace = Depends(door.caller.of("adm", "ws"))

    @router.post(
        "/apps/import",
        responses={201: {"model": ImportView}},
        openapi_extra={"requestBody": DOCUMENT},
    )
    async def import_app(
        request: Request,
        response: Response,
        who: Annotated[Principal, workspace],
        publish: bool = False,
        idempotency_key: IdempotencyKey = None,
    ) -> ImportView:
        """The body is the DSL document, YAML as it stands."""
        source = await request.body()
        outcome = await door.import_app(
            who.tenant_id, source, publish=publish, idempotency_key=idempotency_key
        )
        response.status_code = 201 if outcome.created else 200
        return ImportView(
            app_id=outcome.app.app_id,
            mode=outcome.app.mode,
            name=outcome.app.name,
            api_key=outcome.api_key,
            version_id=outcome.version_id,
            report=report_view(outcome.report),
            revision=outcome.revision,
        )

    @router.get("/apps")
    async def apps(who: Annotated[Principal, workspace]) -> AppList:
        return AppList(apps=[AppView.of(app) for app in await door.show_apps(who.tenant_id)])

    @router.get("/apps/{app_id}")
    async def app(app_id: UUID, who: Annotated[Principal, workspace]) -> AppDetail:
        found, draft = await door.show_apps.one(who.tenant_id, app_id)
        report = report_view(draft.report)
        view = AppView.of(found).model_dump()
        return AppDetail(**view, report=report, revision=draft.revision)

    @router.post("/apps/{app_id}/publish")
    async def publish(app_id: UUID, who: Annotated[Principal, workspace]) -> PublishedView:
        done = await door.publish_app(who.tenant_id, app_id)
        return PublishedView(app_id=app_id, version_id=done.version_id, warnings=[*done.warnings])

    @router.post("/apps/{app_id}/keys", status_code=201)
    async def create_key(
        app_id: UUID,
        who: Annotated[Principal, workspace],
        idempotency_key: IdempotencyKey = None,
    ) -> KeyView:
        await door.show_apps.one(who.tenant_id, app_id)
        occasion = None if idempotency_key is None else f"key/{idempotency_key}"
        made = await door.keys.create(who.tenant_id, app_id, occasion)
        return KeyView(key_id=made.key_id, api_key=made.key)

    _ = (import_app, apps, app, publish, create_key)
    return router
