"""Make an app's draft the version that runs."""

from dataclasses import dataclass, replace
from uuid import UUID

from libs.common.contracts.workflows import Finding, WorkflowDefinition
from libs.common.errors import NotFound
from libs.common.identifiers import uuid7
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.apps.report_view import report_view
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.errors import PublishRefused
from services.backend.app.ports.app_repository import AppRepository
from services.backend.domain.apps.records import Draft
from services.backend.domain.reviews.told_by_mail import untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """`warnings` forbid nothing."""

    version_id: UUID
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishApp:
    """`mails`: whether there is a mail server."""

    apps: AppRepository
    engine: EngineWorkflows
    sub_workflows: SubWorkflows
    mails: bool

    async def __call__(self, tenant_id: UUID, app_id: UUID) -> Published:
        """Raises NotFound, PublishRefused."""
        draft = await self.apps.draft(tenant_id, app_id)
        if draft is None:
            raise NotFound("There is no such app.")
        return await self.draft(tenant_id, draft)

    async def draft(self, tenant_id: UUID, draft: Draft) -> Published:
        """The same for a draft at hand."""
        # The engine's word of today counts, not the one at import.
        called = await self.sub_workflows.resolved(tenant_id, draft.definition, of_app=draft.app_id)
        ask = self.engine.validate if called.findings else self.engine.register
        report = called.added_to(await ask(tenant_id, draft.definition, called.hashes))
        if report.errors:
            first = report.errors[0].message
            raise PublishRefused(
                f"The draft has {len(report.errors)} error(s), so it cannot be published: {first}",
                extra={"report": report_view(report)},
            )
        current = replace(draft, report=report)
        version_id = await self.apps.publish(tenant_id, current, uuid7())
        warnings = (*report.warnings, *unheard(draft.definition, mails=self.mails))
        return Published(version_id=version_id, warnings=warnings)


def unheard(definition: WorkflowDefinition, *, mails: bool) -> tuple[Finding, ...]:
    """A warning for each form that people are to be mailed of where no mail goes out."""
    return () if mails else untold(definition)
