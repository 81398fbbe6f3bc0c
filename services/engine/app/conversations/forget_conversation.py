"""Nobody reads a conversation any more."""

from libs.common.contracts.conversation_variables import ConversationDeleted
from services.engine.app.ports.conversation_store import ConversationStore


class ForgetConversation:
    def __init__(self, conversations: ConversationStore) -> None:
        self._conversations = conversations

    async def execute(self, fact: ConversationDeleted) -> None:
        """Its variables are gone. Idempotent; a run that is still under way may leave some again,
        and the fact is told once more when that has ended. Raises Unavailable."""
        await self._conversations.forget(fact.tenant_id, fact.conversation_id)
