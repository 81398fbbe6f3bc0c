"""The tail of text deltas in Redis. The port: services.backend.app.ports.delta_tail."""

import logging
from collections.abc import Sequence
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.contracts.run_events import TextDelta, tail_key

_log = logging.getLogger(__name__)
_MOST_DELTAS = 5000


# redis-py leaves its answers untyped: pairs of an entry's id and its fields.
_ENTRIES = TypeAdapter(list[tuple[bytes, dict[bytes, bytes]]])


class RedisDeltaTail:
    """Each entry of a run's stream has one field, `delta`: a TextDelta as JSON."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, tenant_id: UUID, run_id: UUID) -> Sequence[TextDelta]:
        try:
            found: object = await self._redis.xrevrange(
                tail_key(tenant_id, run_id), count=_MOST_DELTAS
            )
            entries = _ENTRIES.validate_python(found)
            return [
                TextDelta.model_validate_json(fields[b"delta"]) for _, fields in reversed(entries)
            ]
        except (RedisError, OSError, TimeoutError, ValidationError, KeyError) as error:
            _log.info("the tail of run %s cannot be read: %s", run_id, type(error).__name__)
            return ()
