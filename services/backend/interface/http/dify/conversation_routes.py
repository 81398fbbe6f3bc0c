"""Conversations and messages on Dify's wire."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query
from pydantic import JsonValue

from libs.common.errors import InvalidInput
from libs.common.strict_json import StrictJsonRoute
from services.backend.app.conversations.open_turn import NEW_CONVERSATION
from services.backend.app.conversations.read_conversations import ReadConversations
from services.backend.domain.conversations.records import (
    Conversation,
    ConversationOrder,
    Message,
)
from services.backend.domain.identity.end_users import end_user_id
from services.backend.domain.identity.keys import Principal
from services.backend.interface.http.callers import CallerOf, app_of
from services.backend.interface.http.dify.bodies import (
    ConversationId,
    RenameBody,
    UserBody,
    user_or_default,
)
from services.backend.interface.http.dify.errors import ERRORS
from services.backend.interface.http.dify.message_files import message_files

Limit = Annotated[int, Query(ge=1, le=100)]
FileUrl = Callable[[UUID, UUID], str]
"""Makes the address of a tenant's uploaded file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationDoor:
    caller: CallerOf
    read: ReadConversations
    file_url: FileUrl

    @staticmethod
    def user_id(who: Principal, user: str | None) -> UUID:
        return end_user_id(app_of(who), user_or_default(user))


def conversation_router(door: ConversationDoor) -> APIRouter:
    router = APIRouter(
        prefix="/v1", tags=["dify: conversations"], route_class=StrictJsonRoute, responses=ERRORS
    )
    app_key = Depends(door.caller.of("app"))

    @router.get("/conversations")
    async def conversations(
        who: Annotated[Principal, app_key],
        user: str | None = None,
        last_id: Annotated[ConversationId, Query()] = None,
        limit: Limit = 20,
        sort_by: ConversationOrder = "-updated_at",
    ) -> dict[str, JsonValue]:
        page = await door.read.page(
            who.tenant_id,
            app_of(who),
            door.user_id(who, user),
            after=last_id,
            limit=limit,
            order=sort_by,
        )
        data: list[JsonValue] = [_conversation(found) for found in page.conversations]
        return {"limit": limit, "has_more": page.more, "data": data}

    @router.get("/messages")
    async def messages(
        who: Annotated[Principal, app_key],
        conversation_id: UUID,
        user: str | None = None,
        first_id: Annotated[ConversationId, Query()] = None,
        limit: Limit = 20,
    ) -> dict[str, JsonValue]:
        page = await door.read.messages(
            who.tenant_id,
            app_of(who),
            door.user_id(who, user),
            conversation_id,
            before=first_id,
            limit=limit,
        )
        file_url = partial(door.file_url, who.tenant_id)
        data: list[JsonValue] = [_message(found, file_url) for found in page.messages]
        return {"limit": limit, "has_more": page.more, "data": data}

    @router.delete("/conversations/{conversation_id}", status_code=204)
    async def delete(
        conversation_id: UUID,
        who: Annotated[Principal, app_key],
        body: Annotated[UserBody | None, Body()] = None,
    ) -> None:
        user_id = door.user_id(who, body.user if body else None)
        await door.read.delete(who.tenant_id, app_of(who), user_id, conversation_id)

    @router.post("/conversations/{conversation_id}/name")
    async def rename(
        conversation_id: UUID, body: RenameBody, who: Annotated[Principal, app_key]
    ) -> dict[str, JsonValue]:
        user_id = door.user_id(who, body.user)
        name = await _new_name(door, who, user_id, conversation_id, body)
        found = await door.read.rename(who.tenant_id, app_of(who), user_id, conversation_id, name)
        return _conversation(found)

    _ = (conversations, messages, delete, rename)
    return router


async def _new_name(
    door: ConversationDoor,
    who: Principal,
    user_id: UUID,
    conversation_id: UUID,
    body: RenameBody,
) -> str:
    if not body.auto_generate:
        if not body.name or not body.name.strip():
            raise InvalidInput("name is required when auto_generate is false")
        return body.name
    page = await door.read.messages(
        who.tenant_id, app_of(who), user_id, conversation_id, before=None, limit=1
    )
    return page.messages[0].query[:60] if page.messages else NEW_CONVERSATION


def _conversation(found: Conversation) -> dict[str, JsonValue]:
    return {
        "id": str(found.conversation_id),
        "name": found.name,
        "inputs": found.inputs,
        "status": "normal",
        "introduction": "",
        "created_at": int(found.created_at.timestamp()),
        "updated_at": int(found.updated_at.timestamp()),
    }


def _message(found: Message, file_url: Callable[[UUID], str]) -> dict[str, JsonValue]:
    parent = found.parent_message_id
    return {
        "id": str(found.message_id),
        "conversation_id": str(found.conversation_id),
        "parent_message_id": str(parent) if parent else None,
        "inputs": found.inputs,
        "query": found.query,
        "answer": found.answer,
        "feedback": None,
        "retriever_resources": [],
        "created_at": int(found.created_at.timestamp()),
        "agent_thoughts": [],
        "message_files": [*message_files(found, file_url)],
        "status": "error" if found.status == "error" else "normal",
        "error": found.error,
        "extra_contents": [],
    }
