"""Read, rename and delete the conversations of an end user."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.errors import NotFound
from services.backend.app.ports.conversation_repository import ConversationRepository
from services.backend.domain.conversations.records import (
    Conversation,
    ConversationOrder,
    Message,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPage:
    conversations: list[Conversation]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Oldest first."""

    messages: list[Message]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConversations:
    conversations: ConversationRepository

    async def page(
        self,
        tenant_id: UUID,
        app_id: UUID,
        user_id: UUID,
        *,
        after: UUID | None,
        limit: int,
        order: ConversationOrder,
    ) -> ConversationPage:
        """The conversations that follow `after` in `order`. Raises NotFound for an unknown one."""
        found = await self.conversations.of_end_user(
            tenant_id, app_id, user_id, after=after, limit=limit + 1, order=order
        )
        if found is None:
            raise NotFound("Last Conversation Not Exists.")
        return ConversationPage(conversations=found[:limit], more=len(found) > limit)

    async def messages(
        self,
        tenant_id: UUID,
        app_id: UUID,
        user_id: UUID,
        conversation_id: UUID,
        *,
        before: UUID | None,
        limit: int,
    ) -> MessagePage:
        """The newest messages older than `before`. Raises NotFound."""
        await self.find(tenant_id, app_id, user_id, conversation_id)
        found = await self.conversations.messages(tenant_id, conversation_id, before, limit + 1)
        return MessagePage(messages=found[-limit:], more=len(found) > limit)

    async def rename(
        self, tenant_id: UUID, app_id: UUID, user_id: UUID, conversation_id: UUID, name: str
    ) -> Conversation:
        """The conversation under its new name. Raises NotFound."""
        await self.find(tenant_id, app_id, user_id, conversation_id)
        await self.conversations.rename(tenant_id, conversation_id, name)
        return await self.find(tenant_id, app_id, user_id, conversation_id)

    async def delete(
        self, tenant_id: UUID, app_id: UUID, user_id: UUID, conversation_id: UUID
    ) -> None:
        """Raises NotFound."""
        await self.find(tenant_id, app_id, user_id, conversation_id)
        await self.conversations.delete(tenant_id, conversation_id)

    async def find(
        self, tenant_id: UUID, app_id: UUID, user_id: UUID, conversation_id: UUID
    ) -> Conversation:
        """Raises NotFound, also for another end user's."""
        found = await self.conversations.find(tenant_id, app_id, conversation_id)
        if found is None or found.end_user_id != user_id:
            raise NotFound("Conversation Not Exists.")
        return found
