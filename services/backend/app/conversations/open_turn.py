"""Prepare a turn of a conversation: what it may remember, and that it is complete."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.run_commands import HistoryTurn
from libs.common.errors import NotFound, Unavailable, UpstreamTimeout
from libs.common.identifiers import uuid7
from services.backend.app.ports.conversation_repository import ConversationRepository
from services.backend.app.runs.record_end import RecordEnd
from services.backend.domain.runs.records import ChatTurn

_NAME_LENGTH = 60
_HISTORY_TURNS = 100
NEW_CONVERSATION = "New conversation"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTurn:
    """`history` is pinned for the run: later turns do not change it."""

    turn: ChatTurn
    history: tuple[HistoryTurn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTurn:
    conversations: ConversationRepository
    record_end: RecordEnd

    async def __call__(
        self,
        tenant_id: UUID,
        app_id: UUID,
        user_id: UUID,
        query: str,
        conversation_id: UUID | None,
        *,
        auto_name: bool,
    ) -> OpenedTurn:
        """`conversation_id` None begins a conversation. Raises NotFound for one of another app or
        end user."""
        message_id = uuid7()
        if conversation_id is None:
            name = query.strip().replace("\n", " ")[:_NAME_LENGTH] if auto_name else ""
            turn = ChatTurn(
                conversation_id=uuid7(),
                message_id=message_id,
                query=query,
                new_conversation=True,
                name=name or NEW_CONVERSATION,
            )
            return OpenedTurn(turn=turn, history=())
        found = await self.conversations.find(tenant_id, app_id, conversation_id)
        if found is None or found.end_user_id != user_id:
            raise NotFound("Conversation Not Exists.")
        await self._complete(tenant_id, conversation_id)
        history = await self.conversations.history(tenant_id, conversation_id, _HISTORY_TURNS)
        turn = ChatTurn(conversation_id=conversation_id, message_id=message_id, query=query)
        return OpenedTurn(turn=turn, history=history)

    async def _complete(self, tenant_id: UUID, conversation_id: UUID) -> None:
        """Write the answers of earlier turns that have ended and that nobody listened to."""
        for run_id in await self.conversations.unfinished_runs(tenant_id, conversation_id):
            try:
                await self.record_end.if_ended(tenant_id, run_id)
            except (Unavailable, UpstreamTimeout):
                # Without the engine this turn waits as well; it must still be accepted.
                return
