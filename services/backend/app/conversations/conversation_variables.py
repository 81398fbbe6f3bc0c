"""The variables of an end user's conversation."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from pydantic import JsonValue

from libs.common.contracts.conversation_variables import ConversationVariable
from libs.common.errors import NotFound
from services.backend.app.apps.published_apps import PublishedApps
from services.backend.app.conversations.engine_conversations import EngineConversations
from services.backend.app.conversations.read_conversations import ReadConversations
from services.backend.domain.apps.records import AppVersion
from services.backend.domain.conversations.records import Conversation, ShownVariable


@dataclass(frozen=True, slots=True, kw_only=True)
class VariablePage:
    variables: list[ShownVariable]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationVariablesOf:
    """Those that the app's published version declares. Every call raises NotFound, also for another
    end user's conversation."""

    apps: PublishedApps
    read: ReadConversations
    engine: EngineConversations

    async def page(
        self,
        tenant_id: UUID,
        app_id: UUID,
        user_id: UUID,
        conversation_id: UUID,
        *,
        after: str | None,
        limit: int,
        name: str | None,
    ) -> VariablePage:
        """In the order of their declaration; `after` is the last id of the page before, `name` the
        only one that is wanted."""
        conversation = await self.read.find(tenant_id, app_id, user_id, conversation_id)
        version = await self._version(tenant_id, app_id)
        found = await self.engine.variables(tenant_id, conversation_id, version)
        wanted = [each for each in found if name is None or each.name == name]
        if after is not None:
            places = [place for place, each in enumerate(wanted, 1) if each.id == after]
            if not places:
                raise NotFound("Conversation Variable Not Exists.")
            wanted = wanted[places[0] :]
        shown = [_shown(each, conversation) for each in wanted[:limit]]
        return VariablePage(variables=shown, more=len(wanted) > limit)

    async def change(
        self,
        tenant_id: UUID,
        app_id: UUID,
        user_id: UUID,
        conversation_id: UUID,
        variable_id: str,
        value: JsonValue,
    ) -> ShownVariable:
        """The next turn finds it. Raises InvalidInput where the value is none for the variable."""
        conversation = await self.read.find(tenant_id, app_id, user_id, conversation_id)
        version = await self._version(tenant_id, app_id)
        changed = await self.engine.change(tenant_id, conversation_id, version, variable_id, value)
        return _shown(changed, conversation)

    async def _version(self, tenant_id: UUID, app_id: UUID) -> AppVersion:
        app = await self.apps.app(tenant_id, app_id)
        return (await self.apps.published(tenant_id, app)).version


def _shown(variable: ConversationVariable, conversation: Conversation) -> ShownVariable:
    return ShownVariable(
        id=variable.id,
        name=variable.name,
        value_type=variable.value_type,
        value=variable.value,
        description=variable.description,
        created_at=_instant(variable.created_at) or conversation.created_at,
        updated_at=_instant(variable.changed_at) or conversation.created_at,
    )


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
