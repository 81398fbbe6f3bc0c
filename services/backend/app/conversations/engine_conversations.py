"""What the engine keeps of conversations, as the backend asks for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.conversation_variables import (
    ChangeVariable,
    ConversationVariable,
    ConversationVariables,
    VariablesQuery,
)
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CHANGE_VARIABLE, CONVERSATION_VARIABLES
from libs.common.errors import HeddleError
from libs.common.messaging.bus import MessageBus
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.domain.apps.records import AppVersion

_SECONDS = 10.0
_WORKFLOW_UNKNOWN = "workflow_unknown"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConversations:
    """Registers the workflow where the engine does not know it yet. Raises Unavailable and
    UpstreamTimeout as the bus does."""

    bus: MessageBus
    workflows: EngineWorkflows

    async def variables(
        self, tenant_id: UUID, conversation_id: UUID, version: AppVersion
    ) -> tuple[ConversationVariable, ...]:
        query = VariablesQuery(
            tenant_id=tenant_id,
            conversation_id=conversation_id,
            workflow_hash=version.content_hash,
        )

        async def ask() -> ConversationVariables:
            return await self.bus.request(
                CONVERSATION_VARIABLES,
                query,
                envelope=Envelope(tenant_id=tenant_id),
                timeout=_SECONDS,
            )

        return (await self._known(tenant_id, version, ask)).variables

    async def change(
        self,
        tenant_id: UUID,
        conversation_id: UUID,
        version: AppVersion,
        variable_id: str,
        value: JsonValue,
    ) -> ConversationVariable:
        """Raises NotFound without such a variable, and InvalidInput where the value is none for
        it."""
        command = ChangeVariable(
            tenant_id=tenant_id,
            conversation_id=conversation_id,
            workflow_hash=version.content_hash,
            variable_id=variable_id,
            value=value,
        )

        async def ask() -> ConversationVariable:
            return await self.bus.request(
                CHANGE_VARIABLE,
                command,
                envelope=Envelope(tenant_id=tenant_id),
                timeout=_SECONDS,
            )

        return await self._known(tenant_id, version, ask)

    async def _known(
        self, tenant_id: UUID, version: AppVersion, ask: Callable[[], Awaitable[T]]
    ) -> T:
        try:
            return await ask()
        except HeddleError as error:
            if error.code != _WORKFLOW_UNKNOWN:
                raise
        await self.workflows.register(tenant_id, version.definition)
        return await ask()
