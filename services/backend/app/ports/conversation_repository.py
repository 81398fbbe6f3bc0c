"""Conversations and messages of an app's end users."""

from typing import Protocol
from uuid import UUID

from libs.common.contracts.run_commands import HistoryTurn
from services.backend.domain.conversations.records import (
    Conversation,
    ConversationOrder,
    Message,
)


class ConversationRepository(Protocol):
    async def find(
        self, tenant_id: UUID, app_id: UUID, conversation_id: UUID
    ) -> Conversation | None: ...

    async def of_end_user(
        self,
        tenant_id: UUID,
        app_id: UUID,
        end_user_id: UUID,
        *,
        after: UUID | None,
        limit: int,
        order: ConversationOrder,
    ) -> list[Conversation] | None:
        """At most `limit` that follow `after` in `order`; None when `after` is none of them."""
        ...

    async def rename(self, tenant_id: UUID, conversation_id: UUID, name: str) -> None: ...

    async def delete(self, tenant_id: UUID, conversation_id: UUID) -> None:
        """With the fact for those who keep something of it, in one commit; once."""
        ...

    async def messages(
        self, tenant_id: UUID, conversation_id: UUID, before: UUID | None, limit: int
    ) -> list[Message]:
        """The newest `limit` messages older than message `before`, oldest first."""
        ...

    async def unfinished_runs(self, tenant_id: UUID, conversation_id: UUID) -> list[UUID]:
        """Runs whose message has no answer yet."""
        ...

    async def history(
        self, tenant_id: UUID, conversation_id: UUID, limit: int
    ) -> tuple[HistoryTurn, ...]:
        """The newest `limit` answered turns, oldest first."""
        ...
