"""The tail of text deltas in a real Redis, and without one."""

from typing import cast
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from deploy.local.loopback import free_port
from libs.common.contracts.run_events import TextDelta, tail_key
from services.engine.infra.redis.delta_tail import RedisDeltaTail

DELTA = TextDelta(
    seq=3, from_offset=0, text="Hel", node_id="n", selector=("n", "text"), generation="g"
)


async def test_deltas_are_kept_in_order_and_expire(redis_url: str) -> None:
    # redis-py leaves its keyword arguments and replies untyped.
    redis: Redis = Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
    tenant_id, run_id = uuid4(), uuid4()
    key = tail_key(tenant_id, run_id)
    later = DELTA.model_copy(update={"from_offset": 3, "text": "lo"})
    try:
        await RedisDeltaTail(redis).append(tenant_id, run_id, [DELTA, later])
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(key))
        kept = [TextDelta.model_validate_json(fields[b"delta"]) for _, fields in entries]
        assert kept == [DELTA, later]
        assert 0 < await redis.ttl(key) <= 900
    finally:
        await redis.delete(key)
        await redis.aclose()


async def test_without_redis_the_run_goes_on() -> None:
    redis = Redis(port=free_port(), retry=Retry(NoBackoff(), 0))
    await RedisDeltaTail(redis).append(uuid4(), uuid4(), [DELTA])
    await redis.aclose()
