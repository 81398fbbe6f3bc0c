"""A conversation that is deleted, and who is told of it."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from libs.common.clock import SystemClock
from libs.common.contracts.conversation_variables import ConversationDeleted
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CONVERSATION_DELETED
from libs.common.database.outbox_relay import OutboxRelay
from libs.common.database.outbox_rows import OutboxRows
from tests.integration.backend.conftest import House, bearer
from tests.integration.backend.documents import app
from tests.support.settled import settled


@pytest.fixture
async def told(house: House) -> list[UUID]:
    """The conversations that others were told of."""
    found: list[UUID] = []

    async def deleted(fact: ConversationDeleted, envelope: Envelope) -> None:
        assert fact.tenant_id == envelope.tenant_id == house.tenant_id
        found.append(fact.conversation_id)

    await house.bus.consume(CONVERSATION_DELETED, deleted, durable="engine")
    return found


async def _relayed(house: House) -> int:
    """Send what the outbox holds; how many rows that were."""
    rows = OutboxRows(house.pool, house.sweeper_pool, "backend")
    relay = OutboxRelay(rows, house.bus, [CONVERSATION_DELETED], clock=SystemClock())
    return await relay.send_waiting({house.tenant_id})


async def _said(house: House, key: str, **inputs: Any) -> str:
    """A conversation with one turn, begun as a stream."""
    body = {"query": "hello", "inputs": inputs, "user": "u", "response_mode": "streaming"}
    async with house.http.stream(
        "POST", "/v1/chat-messages", json=body, headers=bearer(key)
    ) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                return str(json.loads(line.removeprefix("data: "))["conversation_id"])
    raise AssertionError("the stream told nothing")


async def _delete(house: House, key: str, conversation: str) -> int:
    answer = await house.http.request(
        "DELETE",
        f"/v1/conversations/{conversation}",
        json={"user": "u"},
        headers=bearer(key),
    )
    return answer.status_code


async def test_whoever_keeps_something_of_it_is_told_once(house: House, told: list[UUID]) -> None:
    key = (await house.imported(app("advanced-chat")))["api_key"]
    conversation = await _said(house, key)
    assert await _relayed(house) == 0
    assert await _delete(house, key, conversation) == 204
    assert await _delete(house, key, conversation) == 404
    assert await _relayed(house) == 1

    async def heard() -> bool:
        return told == [UUID(conversation)]

    await settled(heard)
    assert await _relayed(house) == 0


async def test_a_run_that_ends_afterwards_tells_it_again(house: House, told: list[UUID]) -> None:
    key = (await house.imported(app("advanced-chat")))["api_key"]
    turn = asyncio.ensure_future(_said(house, key, hold=True))
    await asyncio.wait_for(house.engine.begun.wait(), 10)
    (run,) = house.engine.runs.values()
    conversation = str(run.acceptance.conversation_id)
    assert await _delete(house, key, conversation) == 204
    house.engine.go.set()
    assert await turn == conversation
    sent = 0

    async def both() -> bool:
        nonlocal sent
        sent += await _relayed(house)
        return sent == 2 and told == [UUID(conversation)] * 2

    await settled(both, within=10.0)


async def test_other_runs_tell_nothing(house: House) -> None:
    key = (await house.imported(app()))["api_key"]
    body: dict[str, Any] = {"inputs": {}, "user": "u"}
    done = await house.http.post("/v1/workflows/run", json=body, headers=bearer(key))
    assert done.is_success
    assert await _relayed(house) == 0
