"""Apps, their drafts and versions. Another tenant's app is as good as none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.backend.domain.apps.environment_secrets import StoredSecret
from services.backend.domain.apps.records import App, AppVersion, Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedApp:
    """`created` False: an app of that name with the same source stood there already."""

    app: App
    draft: Draft
    created: bool


class AppRepository(Protocol):
    async def add(
        self, tenant_id: UUID, app: App, draft: Draft, secrets: Sequence[StoredSecret] = ()
    ) -> ImportedApp:
        """Store an app with its draft and secrets, once for each name and source."""
        ...

    async def find(self, tenant_id: UUID, app_id: UUID) -> App | None: ...

    async def find_same(self, tenant_id: UUID, name: str, source_hash: str) -> UUID | None:
        """The app that was imported under this name from this very source."""
        ...

    async def all_apps(self, tenant_id: UUID) -> list[App]:
        """All of the tenant's apps, newest first."""
        ...

    async def draft(self, tenant_id: UUID, app_id: UUID) -> Draft | None: ...

    async def replace_draft(
        self, tenant_id: UUID, app: App, draft: Draft, secrets: Sequence[StoredSecret] = ()
    ) -> bool:
        """Store another draft in place of the revision before its own, with the app's name,
        description and icon and new versions of its secrets; False when the draft was changed
        meanwhile, and then nothing is."""
        ...

    async def publish(self, tenant_id: UUID, draft: Draft, version_id: UUID) -> UUID:
        """Make the draft the published version; the id of an equal earlier version is kept."""
        ...

    async def version(
        self, tenant_id: UUID, app_id: UUID, version_id: UUID
    ) -> AppVersion | None: ...
