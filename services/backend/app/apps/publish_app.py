"""Make an app's draft the version that runs."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.errors import NotFound
from libs.common.identifiers import uuid7
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.apps.report_view import report_view
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.errors import PublishRefused
from services.backend.app.ports.app_repository import AppRepository
from services.backend.domain.apps.records import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishApp:
    apps: AppRepository
    engine: EngineWorkflows
    sub_workflows: SubWorkflows

    async def __call__(self, tenant_id: UUID, app_id: UUID) -> UUID:
        """The published version's id. Raises NotFound, PublishRefused."""
        draft = await self.apps.draft(tenant_id, app_id)
        if draft is None:
            raise NotFound("There is no such app.")
        return await self.draft(tenant_id, draft)

    async def draft(self, tenant_id: UUID, draft: Draft) -> UUID:
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
        current = Draft(
            app_id=draft.app_id,
            source=draft.source,
            source_hash=draft.source_hash,
            definition=draft.definition,
            report=report,
        )
        return await self.apps.publish(tenant_id, current, uuid7())
