"""A service's bus, put together from its settings."""

from uuid import UUID

from libs.common.clock import SystemClock
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.messaging.prometheus_bus_metrics import PrometheusBusMetrics
from libs.common.metrics import Metrics
from libs.common.object_store.open_store import open_object_store
from libs.common.object_store.store import ObjectStore
from libs.common.run_sealing import RunSealing
from libs.common.service_settings import ServiceSettings


async def open_bus(
    settings: ServiceSettings,
    lifespan: Lifespan,
    metrics: Metrics,
    *,
    name: str,
    instance: UUID,
    sealing: RunSealing | None = None,
    objects: ObjectStore | None = None,
) -> NatsBus:
    """`name` is the service's, `instance` the incarnation that calls itself so on the bus.
    `sealing` None: bodies of runs with secrets are refused; `objects` None: the settings' store.
    The lifespan closes it. Raises Unavailable when NATS stays away."""
    bus = NatsBus(
        settings.nats_url,
        name=name,
        object_store=objects or open_object_store(settings.object_store_url),
        instance=str(instance),
        clock=SystemClock(),
        sealing=sealing,
        metrics=PrometheusBusMetrics(metrics),
    )
    return await lifespan.started("nats", bus)
