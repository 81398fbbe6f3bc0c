"""What is wrong with a workflow, without keeping it."""

from libs.common.contracts.workflows import ValidateWorkflow, ValidationReport
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.app.workflows.workflow_reports import WorkflowReports


class ValidateWorkflowUseCase:
    def __init__(self, workflows: CompiledWorkflows, reports: WorkflowReports) -> None:
        self._reports = reports
        self._workflows = workflows

    async def execute(self, message: ValidateWorkflow) -> ValidationReport:
        workflow = await self._workflows.compile(message.definition)
        return await self._reports.of(
            message.tenant_id, message.definition, workflow.compiled, message.sub_workflows
        )
