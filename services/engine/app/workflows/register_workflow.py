"""Keeping a workflow under its content hash, once it can run."""

from libs.common.contracts.workflows import RegisterWorkflow, ValidationReport
from services.engine.app.ports.workflow_store import WorkflowStore
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.app.workflows.workflow_reports import WorkflowReports


class RegisterWorkflowUseCase:
    def __init__(
        self, store: WorkflowStore, workflows: CompiledWorkflows, reports: WorkflowReports
    ) -> None:
        self._store = store
        self._reports = reports
        self._workflows = workflows

    async def execute(self, message: RegisterWorkflow) -> ValidationReport:
        """The report. With an error in it nothing was kept. Idempotent."""
        workflow = await self._workflows.compile(message.definition)
        report = await self._reports.of(
            message.tenant_id, message.definition, workflow.compiled, message.sub_workflows
        )
        if not report.errors:
            await self._store.put(message.tenant_id, report.content_hash, message.definition)
            self._workflows.keep(message.tenant_id, workflow)
        return report
