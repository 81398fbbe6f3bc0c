"""Conversations in Postgres. The port: services.backend.app.ports.conversation_repository."""

from collections.abc import Callable
from typing import get_args
from uuid import UUID

import asyncpg

from libs.common.contracts.run_commands import HistoryTurn
from libs.common.contracts.subjects import CONVERSATION_DELETED
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.store_errors import translated
from libs.common.database.tenant_transaction import tenant_transaction
from services.backend.domain.conversations.records import (
    Conversation,
    ConversationOrder,
    Message,
)
from services.backend.infra.postgres.run_rows import json_mapping, json_mappings
from services.backend.infra.postgres.storable_text import storable

_CONVERSATION = (
    "conversation_id, end_user_id, name, inputs, created_at, updated_at from backend.conversations"
)
_DELETE = "select backend.delete_conversation($1, $2, $3)"
_OF_USER = "app_id = $1 and end_user_id = $2 and deleted_at is null"
_PLACE = (
    "select created_at, updated_at from backend.conversations where conversation_id = $1 "
    "and app_id = $2 and end_user_id = $3 and deleted_at is null"
)


def _page(order: ConversationOrder, *, rest: bool) -> str:
    """One page in `order`; `rest`: of what follows the place ($4, $5)."""
    column = order.removeprefix("-")
    way, behind = ("desc", "<") if order.startswith("-") else ("asc", ">")
    following = f"and ({column}, conversation_id) {behind} ($4, $5)" if rest else ""
    return (
        f"select {_CONVERSATION} where {_OF_USER} {following} "
        f"order by {column} {way}, conversation_id {way} limit $3"
    )


_ORDERS: tuple[ConversationOrder, ...] = get_args(ConversationOrder)
_PAGES = {order: _page(order, rest=False) for order in _ORDERS}
_REST = {order: _page(order, rest=True) for order in _ORDERS}


class PostgresConversationRepository:
    """`on_fact` hears the tenant of what was put into the outbox."""

    def __init__(self, pool: Pool, on_fact: Callable[[UUID], None] = lambda _: None) -> None:
        self._pool = pool
        self._on_fact = on_fact

    async def find(
        self, tenant_id: UUID, app_id: UUID, conversation_id: UUID
    ) -> Conversation | None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            row = await connection.fetchrow(
                f"select {_CONVERSATION} "
                "where conversation_id = $1 and app_id = $2 and deleted_at is null",
                conversation_id,
                app_id,
            )
        return None if row is None else _conversation(row)

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
        async with tenant_transaction(self._pool, tenant_id) as connection:
            if after is None:
                rows = await connection.fetch(_PAGES[order], app_id, end_user_id, limit)
                return [_conversation(row) for row in rows]
            last = await connection.fetchrow(_PLACE, after, app_id, end_user_id)
            if last is None:
                return None
            at = last[order.removeprefix("-")]
            rows = await connection.fetch(_REST[order], app_id, end_user_id, limit, at, after)
        return [_conversation(row) for row in rows]

    async def rename(self, tenant_id: UUID, conversation_id: UUID, name: str) -> None:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            await connection.execute(
                "update backend.conversations set name = $2, updated_at = now() "
                "where conversation_id = $1",
                conversation_id,
                storable(name),
            )

    async def delete(self, tenant_id: UUID, conversation_id: UUID) -> None:
        with translated():
            deleted: bool = await self._pool.fetchval(
                _DELETE, tenant_id, conversation_id, CONVERSATION_DELETED.name
            )
        if deleted:
            self._on_fact(tenant_id)

    async def messages(
        self, tenant_id: UUID, conversation_id: UUID, before: UUID | None, limit: int
    ) -> list[Message]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(
                "select * from backend.messages where conversation_id = $1 "
                "and ($2::uuid is null or message_id < $2) order by message_id desc limit $3",
                conversation_id,
                before,
                limit,
            )
        return [_message(row) for row in reversed(rows)]

    async def unfinished_runs(self, tenant_id: UUID, conversation_id: UUID) -> list[UUID]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(
                "select run_id from backend.messages "
                "where conversation_id = $1 and status = 'pending' order by message_id",
                conversation_id,
            )
        return [row["run_id"] for row in rows]

    async def history(
        self, tenant_id: UUID, conversation_id: UUID, limit: int
    ) -> tuple[HistoryTurn, ...]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(
                "select query, answer from backend.messages "
                "where conversation_id = $1 and status in ('normal', 'stopped') and answer <> '' "
                "order by message_id desc limit $2",
                conversation_id,
                limit,
            )
        return tuple(HistoryTurn(query=r["query"], answer=r["answer"]) for r in reversed(rows))


def _conversation(row: asyncpg.Record) -> Conversation:
    return Conversation(
        conversation_id=row["conversation_id"],
        end_user_id=row["end_user_id"],
        name=row["name"],
        inputs=json_mapping(row["inputs"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _message(row: asyncpg.Record) -> Message:
    return Message(
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        run_id=row["run_id"],
        parent_message_id=row["parent_message_id"],
        query=row["query"],
        inputs=json_mapping(row["inputs"]),
        answer=row["answer"],
        status=row["status"],
        error=row["error"],
        usage=json_mapping(row["usage"]),
        created_at=row["created_at"],
        files=json_mappings(row["files"]),
    )
