"""What an engine's process is connected to, closed again by its lifespan."""

from uuid import UUID

from redis.asyncio import Redis

from libs.common.clock import SystemClock
from libs.common.database.asyncpg_pool import Pool, create_pool
from libs.common.database.connection_options import ConnectionOptions
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.messaging.prometheus_bus_metrics import PrometheusBusMetrics
from libs.common.metrics import Metrics
from libs.common.object_store.open_store import open_object_store
from libs.common.retry_policy import CONNECT
from libs.common.retrying import retrying
from libs.common.run_sealing import RunSealing
from services.engine.app.ports.delta_tail import DeltaTail
from services.engine.infra.redis.delta_tail import RedisDeltaTail


async def open_pool(url: str, connections: int, lifespan: Lifespan) -> Pool:
    """At most `connections` at once. Raises Unavailable."""
    options = ConnectionOptions(name="heddle-engine", max_connections=connections)
    pool = await retrying(CONNECT, lambda: create_pool(url, options))
    lifespan.at_stop("database", pool.close)
    return pool


async def open_bus(
    nats_url: str,
    object_store_url: str,
    instance: UUID,
    lifespan: Lifespan,
    sealing: RunSealing,
    metrics: Metrics,
) -> NatsBus:
    """`instance` is the incarnation that calls itself so on the bus. Raises Unavailable."""
    return await lifespan.started(
        "bus",
        NatsBus(
            nats_url,
            name="engine",
            object_store=open_object_store(object_store_url),
            instance=str(instance),
            clock=SystemClock(),
            sealing=sealing,
            metrics=PrometheusBusMetrics(metrics),
        ),
    )


def open_tail(redis_url: str | None, lifespan: Lifespan) -> DeltaTail | None:
    """None without Redis; late readers then wait for committed events."""
    if redis_url is None:
        return None
    # redis-py leaves its keyword arguments untyped.
    redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        redis_url, socket_timeout=1.0, socket_connect_timeout=1.0
    )
    lifespan.at_stop("redis", redis.aclose)
    return RedisDeltaTail(redis)
