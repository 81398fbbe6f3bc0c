"""Give an app another draft. Executes nothing of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from libs.common.errors import Conflict, NotFound
from services.backend.app.apps.draft_reading import DraftReading, ReadSource
from services.backend.app.apps.environment_secrets import EnvironmentSecrets
from services.backend.app.apps.publish_app import PublishApp
from services.backend.app.errors import AppModeDiffers, DraftChanged
from services.backend.app.ports.app_repository import AppRepository
from services.backend.domain.apps.environment_secrets import StoredSecret
from services.backend.domain.apps.records import App, Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedDraft:
    """`version_id` is what the app runs now, None while nothing is published; `published` says
    whether this request made it so."""

    app: App
    draft: Draft
    version_id: UUID | None
    published: bool


@dataclass(frozen=True, slots=True)
class ReplaceDraft:
    apps: AppRepository
    reading: DraftReading
    publish: PublishApp
    secrets: EnvironmentSecrets

    async def __call__(
        self, tenant_id: UUID, app_id: UUID, source: bytes, *, publish: bool, revision: int | None
    ) -> ReplacedDraft:
        """Make `source` the draft; what is published stays as it is.

        `revision` is the draft's that the caller has seen, None: whatever it is. A request that is
        repeated finds its own document and changes nothing. A secret that `source` leaves empty
        keeps its value.

        Raises NotFound, DraftChanged, AppModeDiffers, DocumentTooLarge, DslInvalid, Conflict when
        somebody else changed the draft at the same moment, and Unavailable when the engine is
        away; then nothing was stored.
        """
        app, old = await self._found(tenant_id, app_id)
        read = await self.reading.read(source)
        if revision in (None, old.revision):
            draft = await self._replaced(tenant_id, app, old, read)
        elif read.source_hash == old.source_hash:
            draft = old
        else:
            raise DraftChanged(
                f"The draft is at revision {old.revision}, not {revision}.",
                extra={"revision": old.revision},
            )
        version_id = app.published_version_id
        published = publish and not draft.report.errors
        if published:
            version_id = (await self.publish.draft(tenant_id, draft)).version_id
        shown, _ = await self._found(tenant_id, app_id)
        return ReplacedDraft(app=shown, draft=draft, version_id=version_id, published=published)

    async def _found(self, tenant_id: UUID, app_id: UUID) -> tuple[App, Draft]:
        app = await self.apps.find(tenant_id, app_id)
        draft = await self.apps.draft(tenant_id, app_id)
        if app is None or draft is None:
            raise NotFound("There is no such app.")
        return app, draft

    async def _replaced(self, tenant_id: UUID, app: App, old: Draft, read: ReadSource) -> Draft:
        document = read.document
        if document.mode != app.mode:
            raise AppModeDiffers(f"The app's mode is {app.mode}, the document's {document.mode}.")
        changed = await self._changed(tenant_id, old, read)
        versions = {name: secret.version for name, secret in changed.items()}
        kept = {name: old.secret_version(name) for name in read.secrets if name not in versions}
        versions |= {name: version for name, version in kept.items() if version is not None}
        draft = await self.reading.judged(tenant_id, app.app_id, read, versions, stored=True)
        draft = replace(draft, revision=old.revision + 1)
        described = replace(
            app, name=document.name, description=document.description, icon=document.icon
        )
        if not await self.apps.replace_draft(tenant_id, described, draft, [*changed.values()]):
            raise Conflict("The draft was changed at the same moment; look and try again.")
        return draft

    async def _changed(
        self, tenant_id: UUID, old: Draft, read: ReadSource
    ) -> Mapping[str, StoredSecret]:
        """The secrets that are new or get another value, sealed under their next version."""
        changed: dict[str, StoredSecret] = {}
        for name, value in read.secrets.items():
            version = old.secret_version(name)
            if version is not None and (
                not value
                or await self.secrets.is_value(tenant_id, old.app_id, name, version, value)
            ):
                continue
            following = await self.secrets.next_version(tenant_id, old.app_id, name)
            changed[name] = self.secrets.sealed(tenant_id, old.app_id, name, following, value)
        return changed
