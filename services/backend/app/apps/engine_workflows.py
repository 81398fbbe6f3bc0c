"""Ask the engine what it thinks of a definition."""

from collections.abc import Mapping
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import REGISTER_WORKFLOW, VALIDATE_WORKFLOW
from libs.common.contracts.workflows import (
    RegisterWorkflow,
    ValidateWorkflow,
    ValidationReport,
    WorkflowDefinition,
)
from libs.common.messaging.bus import MessageBus

_SECONDS = 30.0
_NOTHING: Mapping[str, str] = {}


class EngineWorkflows:
    """Raises Unavailable and UpstreamTimeout as the bus does."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def validate(
        self,
        tenant_id: UUID,
        definition: WorkflowDefinition,
        called: Mapping[str, str] = _NOTHING,
    ) -> ValidationReport:
        """`called` are the content hashes of the workflows that its nodes call, by reference."""
        return await self._bus.request(
            VALIDATE_WORKFLOW,
            ValidateWorkflow(definition=definition, tenant_id=tenant_id, sub_workflows={**called}),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )

    async def register(
        self,
        tenant_id: UUID,
        definition: WorkflowDefinition,
        called: Mapping[str, str] = _NOTHING,
    ) -> ValidationReport:
        """Have the engine keep the definition under its hash."""
        return await self._bus.request(
            REGISTER_WORKFLOW,
            RegisterWorkflow(tenant_id=tenant_id, definition=definition, sub_workflows={**called}),
            envelope=Envelope(tenant_id=tenant_id),
            timeout=_SECONDS,
        )
