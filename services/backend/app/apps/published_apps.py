"""The app behind a key and the version of it that runs."""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from libs.common.errors import NotFound
from services.backend.app.apps.report_view import report_view
from services.backend.app.errors import AppNotPublished
from services.backend.app.ports.app_repository import AppRepository
from services.backend.domain.apps.records import App, AppVersion

_KEPT_VERSIONS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedApp:
    app: App
    version: AppVersion


class PublishedApps:
    """Versions never change, so the recently used ones are kept in memory."""

    def __init__(self, apps: AppRepository) -> None:
        self._apps = apps
        self._versions: OrderedDict[UUID, AppVersion] = OrderedDict()

    async def app(self, tenant_id: UUID, app_id: UUID) -> App:
        """Raises NotFound."""
        app = await self._apps.find(tenant_id, app_id)
        if app is None:
            raise NotFound("There is no such app.")
        return app

    async def published(
        self, tenant_id: UUID, app: App, version_id: UUID | None = None
    ) -> PublishedApp:
        """`version_id` None: the newest published. Raises AppNotPublished, NotFound."""
        wanted = version_id or app.published_version_id
        if wanted is None:
            raise await self._unpublished(tenant_id, app)
        version = self._versions.get(wanted)
        if version is None or version.app_id != app.app_id:
            version = await self._apps.version(tenant_id, app.app_id, wanted)
            if version is None:
                raise NotFound("Workflow not found")
            self._versions[wanted] = version
            if len(self._versions) > _KEPT_VERSIONS:
                self._versions.popitem(last=False)
        else:
            self._versions.move_to_end(wanted)
        return PublishedApp(app=app, version=version)

    async def _unpublished(self, tenant_id: UUID, app: App) -> AppNotPublished:
        draft = await self._apps.draft(tenant_id, app.app_id)
        if draft is None or not draft.report.errors:
            return AppNotPublished("Workflow not published")
        first = draft.report.errors[0]
        place = f" ({first.node_id}: {first.message})" if first.node_id else f" ({first.message})"
        return AppNotPublished(
            f"Workflow not published: its draft has errors{place}",
            extra={"report": report_view(draft.report)},
        )
