"""The keyed calls of a service, put together from its settings."""

from typing import TypeVar
from uuid import UUID

from libs.common.clock import SystemClock
from libs.common.database.pool_metrics import watch_pool
from libs.common.database.service_pools import open_pool
from libs.common.health_routes import ReadinessCheck
from libs.common.keyed_calls.call_parts import GrowingText, Neighbours, PartShape
from libs.common.keyed_calls.keyed_calls import KeyedCalls
from libs.common.keyed_calls.postgres_ledger import PostgresLedger
from libs.common.lifespan import Lifespan
from libs.common.metrics import Metrics
from libs.common.run_seal import RunSeal
from libs.common.service_settings import ServiceSettings

Part = TypeVar("Part")
_CONNECTIONS = 10
_SWEEPER_CONNECTIONS = 1


async def open_keyed_calls(
    settings: ServiceSettings,
    lifespan: Lifespan,
    metrics: Metrics,
    *,
    schema: str,
    holder: UUID,
    shape: PartShape[Part],
    neighbours: Neighbours[Part],
    growing: GrowingText | None = None,
) -> tuple[KeyedCalls[Part], ReadinessCheck]:
    """Keyed calls on the ledger in `schema`, beating until the lifespan ends, and a check that the
    ledger can be reached.

    Without a sweeper's URL old records are collected as heddle_app, who sees none: nothing is
    collected then.
    """
    url, sweeper_url = settings.database_url, settings.database_sweeper_url
    pool = await open_pool(url, lifespan, name=schema, connections=_CONNECTIONS)
    sweeper = await open_pool(
        sweeper_url or url, lifespan, name=f"{schema}-sweeper", connections=_SWEEPER_CONNECTIONS
    )
    watch_pool(metrics, "app", pool)
    watch_pool(metrics, "sweeper", sweeper)
    clock = SystemClock()
    ledger = PostgresLedger(pool, schema=schema, holder=holder, clock=clock, sweeper_pool=sweeper)
    repeated = metrics.counter(
        "heddle_keyed_calls_repeated",
        "Calls that may have been made twice: their holder died without a record.",
        ["effect_class"],
    )
    keyed = KeyedCalls(
        ledger,
        shape,
        neighbours,
        clock=clock,
        growing=growing,
        sealing=RunSeal(settings.master_key),
        on_repeat=lambda effect: repeated.labels(effect.effect_class).inc(),
    )
    metrics.read_gauge(
        "heddle_keyed_calls_under_way", "Keyed calls that this process makes.", keyed.under_way
    )
    await lifespan.entered("keyed calls", keyed.running())
    return keyed, lambda: pool.fetchval("select 1")
