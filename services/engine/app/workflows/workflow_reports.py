"""What is to be said of a workflow, with what others know of what it calls."""

from collections.abc import Mapping
from uuid import UUID

from libs.common.contracts.workflows import ValidationReport, WorkflowDefinition
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.app.workflows.known_tools import KnownTools
from services.engine.app.workflows.known_workflows import KnownWorkflows
from services.engine.domain.execution.called_workflows import refs_in
from services.engine.domain.execution.compile_workflow import CompiledWorkflow


class WorkflowReports:
    def __init__(
        self, workflows: CompiledWorkflows, tools: KnownTools, called: KnownWorkflows
    ) -> None:
        self._workflows = workflows
        self._tools = tools
        self._called = called

    async def of(
        self,
        tenant_id: UUID | None,
        definition: WorkflowDefinition,
        compiled: CompiledWorkflow,
        pins: Mapping[str, str],
    ) -> ValidationReport:
        """`pins` are the content hashes of what it calls, by reference."""
        if pins and tenant_id is not None:
            called = await self._called.of(tenant_id, pins, refs_in(compiled))
            compiled = await self._workflows.compile_knowing(definition, called)
        return await self._tools.check(compiled)
