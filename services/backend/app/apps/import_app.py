"""Import a DSL document as an app. Executes nothing of it."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.workflows import ValidationReport
from libs.common.identifiers import uuid7
from services.backend.app.apps.draft_reading import DraftReading
from services.backend.app.apps.environment_secrets import EnvironmentSecrets
from services.backend.app.apps.publish_app import PublishApp
from services.backend.app.errors import IdempotencyKeyReused
from services.backend.app.identity.app_keys import AppKeys
from services.backend.app.ports.app_repository import AppRepository
from services.backend.app.ports.idempotency_records import IdempotencyRecords
from services.backend.domain.apps.dsl_document import DslDocument
from services.backend.domain.apps.environment_secrets import FIRST_VERSION
from services.backend.domain.apps.records import App

_FIRST_KEY = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """`version_id` None: nothing is published, because it was not asked for or has errors."""

    app: App
    api_key: str
    version_id: UUID | None
    report: ValidationReport
    revision: int
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportApp:
    apps: AppRepository
    keys: AppKeys
    reading: DraftReading
    publish: PublishApp
    secrets: EnvironmentSecrets
    idempotency: IdempotencyRecords
    clock: Clock

    async def __call__(
        self, tenant_id: UUID, source: bytes, *, publish: bool, idempotency_key: str | None
    ) -> ImportOutcome:
        """The app that `source` describes; the same source under the same name stays one app, as
        long as it is that app's draft.

        Raises DocumentTooLarge, DslInvalid, IdempotencyKeyReused, and Unavailable when the engine
        is away; then nothing was stored.
        """
        read = await self.reading.read(source)
        if idempotency_key is not None:
            request = f"{read.source_hash}/{publish}"
            if request != await self.idempotency.claim(
                tenant_id, "import", idempotency_key, request
            ):
                raise IdempotencyKeyReused("This Idempotency-Key was used for another import.")
        app = self._app(read.document)
        versions = dict.fromkeys(read.secrets, FIRST_VERSION)
        draft = await self.reading.judged(tenant_id, app.app_id, read, versions, stored=False)
        sealed = [
            self.secrets.sealed(tenant_id, app.app_id, name, FIRST_VERSION, value)
            for name, value in read.secrets.items()
        ]
        imported = await self.apps.add(tenant_id, app, draft, sealed)
        version_id = imported.app.published_version_id
        draft = imported.draft
        if publish and not draft.report.errors:
            version_id = (await self.publish.draft(tenant_id, draft)).version_id
        return ImportOutcome(
            app=imported.app,
            api_key=(await self.keys.create(tenant_id, imported.app.app_id, _FIRST_KEY)).key,
            version_id=version_id,
            report=draft.report,
            revision=draft.revision,
            created=imported.created,
        )

    def _app(self, document: DslDocument) -> App:
        now = self.clock.now()
        return App(
            app_id=uuid7(),
            name=document.name,
            mode=document.mode,
            description=document.description,
            icon=document.icon,
            published_version_id=None,
            created_at=now,
            updated_at=now,
        )
