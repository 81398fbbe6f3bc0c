"""From the bytes of a DSL document to a draft. Executes nothing of it and stores nothing."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.apps.publish_app import unheard
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.errors import DocumentTooLarge
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.app.ports.document_reader import DocumentReader
from services.backend.domain.apps.dsl_document import DslDocument, DslInvalid, read_document
from services.backend.domain.apps.environment_secrets import (
    secret_places,
    secret_values,
    with_versions,
)
from services.backend.domain.apps.records import Draft

DOCUMENT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSource:
    """`source` has no secret values any more; `secrets` are they, by name."""

    document: DslDocument
    source: bytes
    source_hash: str
    secrets: Mapping[str, JsonValue] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftReading:
    """`mails`: whether there is a mail server."""

    documents: DocumentReader
    engine: EngineWorkflows
    sub_workflows: SubWorkflows
    sealer: CredentialSealer
    mails: bool

    async def read(self, source: bytes) -> ReadSource:
        """Raises DocumentTooLarge and DslInvalid."""
        if len(source) > DOCUMENT_BYTES:
            raise DocumentTooLarge(f"The document is above {DOCUMENT_BYTES} bytes.")
        parsed, document = await self._parsed(source)
        source_hash = self._hash(source, document)
        places = secret_places(document.definition)
        return ReadSource(
            document=document,
            source=await self.documents.blanked(source, parsed, places) if places else source,
            source_hash=source_hash,
            secrets=secret_values(document.definition),
        )

    async def judged(
        self,
        tenant_id: UUID,
        app_id: UUID,
        read: ReadSource,
        versions: Mapping[str, int],
        *,
        stored: bool,
    ) -> Draft:
        """The draft with its report. `versions` are those of its secrets; `stored` says whether
        the app is, so that workflows could call it. Raises Unavailable when the engine is away."""
        definition = with_versions(read.document.definition, versions)
        called = await self.sub_workflows.resolved(
            tenant_id, definition, of_app=app_id if stored else None
        )
        report = await self.engine.validate(tenant_id, definition, called.hashes)
        report = called.added_to(report)
        unheard_of = unheard(definition, mails=self.mails)
        warnings = (*read.document.notes, *report.warnings, *unheard_of)
        return Draft(
            app_id=app_id,
            source=read.source,
            source_hash=read.source_hash,
            definition=definition,
            report=report.model_copy(update={"warnings": warnings}),
        )

    def _hash(self, source: bytes, document: DslDocument) -> str:
        digest = hashlib.sha256(source).hexdigest()
        # A hash of a text that is known but for a short secret would give the secret away.
        if not secret_values(document.definition):
            return digest
        return f"{self.sealer.derived_number(f'source/{digest}'):064x}"

    async def _parsed(self, source: bytes) -> tuple[JsonValue, DslDocument]:
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
