"""The tail of text deltas as a Redis stream a run."""

import logging
from collections.abc import Sequence
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.contracts.run_events import TextDelta, tail_key

_log = logging.getLogger(__name__)
_MOST_DELTAS = 5000
_KEEP_SECONDS = 900


class RedisDeltaTail:
    """Implements DeltaTail. Each entry of the stream has one field, `delta`: a TextDelta as JSON.

    About the newest 5,000 are kept, for 15 minutes after the last one.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def append(self, tenant_id: UUID, run_id: UUID, deltas: Sequence[TextDelta]) -> None:
        key = tail_key(tenant_id, run_id)
        pipeline = self._redis.pipeline(transaction=False)
        for delta in deltas:
            pipeline.xadd(
                key, {"delta": delta.model_dump_json()}, maxlen=_MOST_DELTAS, approximate=True
            )
        pipeline.expire(key, _KEEP_SECONDS)
        try:
            await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            _log.info("the tail of run %s is not kept: %s", run_id, error)
