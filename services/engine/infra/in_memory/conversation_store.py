"""Variables of conversations in memory."""

from uuid import UUID

from services.engine.app.ports.conversation_store import KeptVariable
from services.engine.domain.variables.values import Value
from services.engine.infra.in_memory.engine_state import EngineState
from services.engine.infra.journal_codec import decode_value, encode_value


class InMemoryConversationStore:
    """Implements ConversationStore."""

    def __init__(self, state: EngineState) -> None:
        self._state = state

    async def variables(self, tenant_id: UUID, conversation_id: UUID) -> list[KeptVariable]:
        kept = self._state.conversations.get((tenant_id, conversation_id), {})
        return [kept[name] for name in sorted(kept)]

    async def change(
        self, tenant_id: UUID, conversation_id: UUID, name: str, value: Value
    ) -> KeptVariable:
        # Through the codec: what cannot be stored for real cannot be stored here.
        same = decode_value(encode_value(value))
        return self._state.keep_variable(tenant_id, conversation_id, name, same)

    async def forget(self, tenant_id: UUID, conversation_id: UUID) -> None:
        self._state.conversations.pop((tenant_id, conversation_id), None)
