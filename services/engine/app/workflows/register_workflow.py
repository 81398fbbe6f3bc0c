"""Keeping a workflow under its content hash, once it can run."""

from libs.common.contracts.workflows import RegisterWorkflow, ValidationReport
from services.engine.app.ports.workflow_store import WorkflowStore
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.app.workflows.known_tools import KnownTools


class RegisterWorkflowUseCase:
    def __init__(
        self, store: WorkflowStore, workflows: CompiledWorkflows, tools: KnownTools
    ) -> None:
        self._store = store
        self._tools = tools
        self._workflows = workflows

    async def execute(self, message: RegisterWorkflow) -> ValidationReport:
        """The report. With an error in it nothing was kept. Idempotent."""
        workflow = await self._workflows.compile(message.definition)
        report = await self._tools.check(workflow.compiled)
        if not report.errors:
            await self._store.put(message.tenant_id, report.content_hash, message.definition)
            self._workflows.keep(message.tenant_id, workflow)
        return report
