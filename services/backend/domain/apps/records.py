"""Apps as the application layer hands them round."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.contracts.workflows import ValidationReport, WorkflowDefinition
from services.backend.domain.apps.environment_secrets import secret_version


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """`published_version_id` None: never published, so it cannot be run."""

    app_id: UUID
    name: str
    mode: str
    description: str
    icon: str
    published_version_id: UUID | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was imported last. `source` is the document as it came, for a lossless
    export; secret values are empty in it, and versions in the definition. `revision` rises by one
    with every change."""

    app_id: UUID
    source: bytes
    source_hash: str
    definition: WorkflowDefinition
    report: ValidationReport
    revision: int = 1

    def secret_version(self, name: str) -> int | None:
        """The version that it has of a secret, None when it has no such secret."""
        return secret_version(self.definition, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppVersion:
    """A published version; never changed. `content_hash` names its definition at the engine."""

    version_id: UUID
    app_id: UUID
    content_hash: str
    definition: WorkflowDefinition
    created_at: datetime
