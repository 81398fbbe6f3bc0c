"""The tail as the engine writes it."""

import pytest
from redis.asyncio import Redis

from libs.common.contracts.run_events import TextDelta, tail_key
from libs.common.identifiers import uuid7
from services.backend.infra.redis_delta_tail import RedisDeltaTail


@pytest.mark.parametrize("server", ["there", "away"])
async def test_deltas_come_in_their_order_or_not_at_all(redis_url: str, server: str) -> None:
    tenant_id, run_id = uuid7(), uuid7()
    url = redis_url if server == "there" else "redis://127.0.0.1:9/0"
    redis = Redis.from_url(url, socket_connect_timeout=1.0)  # pyright: ignore[reportUnknownMemberType]
    deltas = [
        TextDelta(
            seq=1, from_offset=n, text="x", node_id="l", selector=("l", "text"), generation="g"
        )
        for n in range(3)
    ]
    try:
        if server == "there":
            for delta in deltas:
                await redis.xadd(tail_key(tenant_id, run_id), {"delta": delta.model_dump_json()})
        found = await RedisDeltaTail(redis).read(tenant_id, run_id)
        assert list(found) == (deltas if server == "there" else [])
    finally:
        await redis.aclose()
