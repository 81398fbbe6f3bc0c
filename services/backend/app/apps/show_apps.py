"""Show a tenant's apps."""

from uuid import UUID

from libs.common.errors import NotFound
from services.backend.app.ports.app_repository import AppRepository
from services.backend.domain.apps.records import App, Draft


class ShowApps:
    def __init__(self, apps: AppRepository) -> None:
        self._apps = apps

    async def __call__(self, tenant_id: UUID) -> list[App]:
        return await self._apps.all_apps(tenant_id)

    async def one(self, tenant_id: UUID, app_id: UUID) -> tuple[App, Draft]:
        """Raises NotFound."""
        app = await self._apps.find(tenant_id, app_id)
        draft = await self._apps.draft(tenant_id, app_id)
        if app is None or draft is None:
            raise NotFound("There is no such app.")
        return app, draft
