"""Conversations and their messages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import JsonValue

ConversationOrder = Literal["created_at", "-created_at", "updated_at", "-updated_at"]
"""`-`: the latest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    conversation_id: UUID
    end_user_id: UUID
    name: str
    inputs: dict[str, JsonValue]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVariable:
    """A variable of a conversation. One that was never changed is as old as the conversation."""

    id: str
    name: str
    value_type: str
    value: JsonValue
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A turn. `status` pending until its run ended, then normal, error or stopped. `files` are
    those that came with the query."""

    message_id: UUID
    conversation_id: UUID
    run_id: UUID
    parent_message_id: UUID | None
    query: str
    inputs: dict[str, JsonValue]
    answer: str
    status: str
    error: str | None
    usage: dict[str, JsonValue]
    created_at: datetime
    files: tuple[dict[str, JsonValue], ...] = ()
