"""Import a DSL document as an app. Executes nothing of it."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import JsonValue

from libs.common.clock import Clock
from libs.common.contracts.workflows import ValidationReport
from libs.common.identifiers import uuid7
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.apps.environment_secrets import EnvironmentSecrets
from services.backend.app.apps.publish_app import PublishApp, unheard
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.errors import DocumentTooLarge, IdempotencyKeyReused
from services.backend.app.identity.app_keys import AppKeys
from services.backend.app.ports.app_repository import AppRepository
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.app.ports.document_reader import DocumentReader
from services.backend.app.ports.idempotency_records import IdempotencyRecords
from services.backend.domain.apps.dsl_document import DslDocument, DslInvalid, read_document
from services.backend.domain.apps.environment_secrets import (
    FIRST_VERSION,
    StoredSecret,
    secret_places,
    secret_values,
    with_versions,
)
from services.backend.domain.apps.records import App, Draft

DOCUMENT_BYTES = 10 * 1024 * 1024
_FIRST_KEY = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutcome:
    """`version_id` None: nothing is published, because it was not asked for or has errors."""

    app: App
    api_key: str
    version_id: UUID | None
    report: ValidationReport
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportApp:
    """`mails`: whether there is a mail server."""

    apps: AppRepository
    keys: AppKeys
    documents: DocumentReader
    engine: EngineWorkflows
    publish: PublishApp
    sub_workflows: SubWorkflows
    mails: bool
    secrets: EnvironmentSecrets
    idempotency: IdempotencyRecords
    sealer: CredentialSealer
    clock: Clock

    async def __call__(
        self, tenant_id: UUID, source: bytes, *, publish: bool, idempotency_key: str | None
    ) -> ImportOutcome:
        """The app that `source` describes; the same source under the same name stays one app.

        Raises DocumentTooLarge, DslInvalid, IdempotencyKeyReused, and Unavailable when the engine
        is away; then nothing was stored.
        """
        if len(source) > DOCUMENT_BYTES:
            raise DocumentTooLarge(f"The document is above {DOCUMENT_BYTES} bytes.")
        parsed, document = await self._read(source)
        source_hash = self._hash(source, document)
        if idempotency_key is not None:
            request = f"{source_hash}/{publish}"
            if request != await self.idempotency.claim(
                tenant_id, "import", idempotency_key, request
            ):
                raise IdempotencyKeyReused("This Idempotency-Key was used for another import.")
        values = secret_values(document.definition)
        places = secret_places(document.definition)
        if places:
            source = await self.documents.blanked(source, parsed, places)
        definition = with_versions(document.definition, dict.fromkeys(values, FIRST_VERSION))
        document = replace(document, definition=definition)
        called = await self.sub_workflows.resolved(tenant_id, definition, of_app=None)
        report = await self.engine.validate(tenant_id, definition, called.hashes)
        report = called.added_to(report)
        warnings = (*document.notes, *report.warnings, *unheard(definition, mails=self.mails))
        report = report.model_copy(update={"warnings": warnings})
        app, draft = self._stored(document, source, source_hash, report)
        imported = await self.apps.add(
            tenant_id, app, draft, self._sealed(tenant_id, app.app_id, values)
        )
        version_id = imported.app.published_version_id
        draft = imported.draft
        if publish and not draft.report.errors:
            version_id = (await self.publish.draft(tenant_id, draft)).version_id
        return ImportOutcome(
            app=imported.app,
            api_key=(await self.keys.create(tenant_id, imported.app.app_id, _FIRST_KEY)).key,
            version_id=version_id,
            report=draft.report,
            created=imported.created,
        )

    def _hash(self, source: bytes, document: DslDocument) -> str:
        digest = hashlib.sha256(source).hexdigest()
        # A hash of a text that is known but for a short secret would give the secret away.
        if not secret_values(document.definition):
            return digest
        return f"{self.sealer.derived_number(f'source/{digest}'):064x}"

    def _sealed(
        self, tenant_id: UUID, app_id: UUID, values: Mapping[str, JsonValue]
    ) -> list[StoredSecret]:
        return [
            self.secrets.sealed(tenant_id, app_id, name, FIRST_VERSION, value)
            for name, value in values.items()
        ]

    async def _read(self, source: bytes) -> tuple[JsonValue, DslDocument]:
        parsed = await self.documents.read(source)
        try:
            # A large one takes half a second, and no request may wait for another one's document.
            return parsed.value, await asyncio.to_thread(read_document, parsed.value)
        except DslInvalid as error:
            pointer = error.details[0].pointer if error.details else ""
            found = parsed.position(pointer)
            if found is None:
                raise
            message = f"{error.message} (line {found[0]}, column {found[1]})"
            raise DslInvalid(message, details=error.details) from error

    def _stored(
        self, document: DslDocument, source: bytes, source_hash: str, report: ValidationReport
    ) -> tuple[App, Draft]:
        now = self.clock.now()
        app = App(
            app_id=uuid7(),
            name=document.name,
            mode=document.mode,
            description=document.description,
            icon=document.icon,
            published_version_id=None,
            created_at=now,
            updated_at=now,
        )
        draft = Draft(
            app_id=app.app_id,
            source=source,
            source_hash=source_hash,
            definition=document.definition,
            report=report,
        )
        return app, draft
