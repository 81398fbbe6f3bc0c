"""What is wrong with a workflow, without keeping it."""

from libs.common.contracts.workflows import ValidateWorkflow, ValidationReport
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.app.workflows.known_tools import KnownTools


class ValidateWorkflowUseCase:
    def __init__(self, workflows: CompiledWorkflows, tools: KnownTools) -> None:
        self._tools = tools
        self._workflows = workflows

    async def execute(self, message: ValidateWorkflow) -> ValidationReport:
        workflow = await self._workflows.compile(message.definition)
        return await self._tools.check(workflow.compiled)
