"""Growing text is kept while Redis is there, and harms nobody while it is not."""

from uuid import UUID

from libs.common.clock import SystemClock
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.growing_text import RedisGrowingText
from tests.support.manual_clock import ManualClock
from tests.support.settled import settled


async def test_parts_are_kept_in_order(redis_url: str) -> None:
    text, tenant_id = RedisGrowingText(redis_url, clock=SystemClock()), uuid7()
    parts = [str(number).encode() for number in range(1200)]
    async with text.running():
        for part in parts:
            text.add(tenant_id, "a", 1, part)
        text.end(tenant_id, "a", 1)
        text.add(tenant_id, "a", 2, b"another claim")

        async def written() -> bool:
            return await text.read(tenant_id, "a", 2) != []

        await settled(written)
        assert await text.read(tenant_id, "a", 1) == parts
    assert text.dropped == 0


async def test_without_redis_parts_are_dropped_and_counted() -> None:
    text = RedisGrowingText("redis://127.0.0.1:1", clock=ManualClock())
    async with text.running():
        text.add(UUID(int=1), "a", 1, b"x")

        async def dropped() -> bool:
            return text.dropped == 1

        await settled(dropped)
        assert await text.read(UUID(int=1), "a", 1) == []
