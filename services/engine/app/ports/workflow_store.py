"""Workflow definitions under their content hash."""

from typing import Protocol
from uuid import UUID

from libs.common.contracts.workflows import WorkflowDefinition


class WorkflowStore(Protocol):
    async def put(self, tenant_id: UUID, content_hash: str, definition: WorkflowDefinition) -> None:
        """Keep; silent when it is there already."""
        ...

    async def get(self, tenant_id: UUID, content_hash: str) -> WorkflowDefinition:
        """Raises WorkflowUnknown."""
        ...
