"""Workflow definitions in memory."""

from uuid import UUID

from libs.common.contracts.workflows import WorkflowDefinition
from services.engine.app.errors import WorkflowUnknown
from services.engine.infra.in_memory.engine_state import EngineState


class InMemoryWorkflowStore:
    """Implements WorkflowStore."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def put(self, tenant_id: UUID, content_hash: str, definition: WorkflowDefinition) -> None:
        self._state.workflows.setdefault((tenant_id, content_hash), definition)

    async def get(self, tenant_id: UUID, content_hash: str) -> WorkflowDefinition:
        found = self._state.workflows.get((tenant_id, content_hash))
        if found is None:
            raise WorkflowUnknown(f"No workflow {content_hash} is registered.")
        return found
