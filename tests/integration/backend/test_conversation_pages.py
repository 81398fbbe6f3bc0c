"""Conversations come in pages, in any of the wire's orders, however many there are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.common.database.tenant_transaction import tenant_transaction
from libs.common.identifiers import uuid7
from services.backend.domain.identity.end_users import end_user_id
from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app

_MANY = 1203


async def _conversations(house: House, app_id: UUID, user: str) -> list[str]:
    """Made in this order, some in the same instant, and used in the opposite one."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    ids = [uuid7() for _ in range(_MANY)]
    rows = [
        (
            conversation_id,
            house.tenant_id,
            app_id,
            end_user_id(app_id, user),
            begun + timedelta(seconds=number // 3),
            begun + timedelta(seconds=_MANY - number // 3),
        )
        for number, conversation_id in enumerate(ids)
    ]
    async with tenant_transaction(house.pool, house.tenant_id) as connection:
        await connection.executemany(
            "insert into backend.conversations (conversation_id, tenant_id, app_id, end_user_id, "
            "name, inputs, created_at, updated_at) values ($1, $2, $3, $4, 'c', '{}', $5, $6)",
            rows,
        )
    return [str(conversation_id) for conversation_id in ids]


@pytest.mark.parametrize("order", ["created_at", "-created_at", "updated_at", "-updated_at"])
async def test_every_conversation_is_listed_once_in_order(house: House, order: str) -> None:
    imported = await house.imported(app())
    made = await _conversations(house, UUID(imported["app_id"]), "u1")
    seen: list[str] = []
    times: list[int] = []
    more = True
    while more:
        query = {"user": "u1", "limit": 100, "sort_by": order}
        query |= {"last_id": seen[-1]} if seen else {}
        answer = await house.http.get(
            "/v1/conversations", params=query, headers=bearer(imported["api_key"])
        )
        page = answer.json()
        seen += [each["id"] for each in page["data"]]
        times += [each[order.removeprefix("-")] for each in page["data"]]
        more = page["has_more"]
    assert sorted(seen) == sorted(made)
    assert times == sorted(times, reverse=order.startswith("-"))


async def test_another_users_conversation_is_no_place_to_go_on_from(house: House) -> None:
    imported = await house.imported(app())
    made = await _conversations(house, UUID(imported["app_id"]), "u1")
    query = {"user": "u2", "last_id": made[0]}
    answer = await house.http.get(
        "/v1/conversations", params=query, headers=bearer(imported["api_key"])
    )
    assert answer.status_code == 404
