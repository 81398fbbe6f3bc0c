"""Puts the engine together: the only file that names both interface and infra."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import uvloop

from libs.common.clock import SystemClock
from libs.common.contracts.subjects import CHILD_ACCEPTED, FORM_OPENED, RUN_ENDED
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.outbox_relay import OutboxRelay
from libs.common.database.outbox_rows import OutboxRows
from libs.common.database.service_pools import open_pool, open_pools
from libs.common.identifiers import uuid7
from libs.common.lifespan import Lifespan
from libs.common.messaging.bus import MessageBus
from libs.common.messaging.open_bus import open_bus
from libs.common.metrics import Metrics
from libs.common.object_store.open_store import open_object_store
from libs.common.object_store.store import ObjectStore
from libs.common.redis_client import redis_client
from libs.common.run_seal import RunSeal
from libs.common.run_sealing import RunSealing
from libs.common.sealed_box import SealedBox
from libs.common.service_host import ServiceHost, trace_process
from libs.common.structured_logging import configure_logging
from services.engine.app.engine import Engine, EngineOptions, wire_engine, wire_lone_run
from services.engine.app.events.publish_events import EventPublisher
from services.engine.app.observing.layer_failures import noted_failures
from services.engine.app.ports.command_channel import CommandChannel
from services.engine.app.ports.delta_tail import DeltaTail
from services.engine.app.ports.environment_secrets import EnvironmentSecrets
from services.engine.app.ports.isolated_processes import IsolatedProcesses
from services.engine.app.runs.carry_run import Suspicion
from services.engine.app.runs.keep_lease import LeasePace
from services.engine.app.worker import WorkerOptions
from services.engine.domain.layers.debug_log import DebugLog
from services.engine.domain.layers.layer_stack import LayerStack
from services.engine.domain.layers.token_budget import TokenBudget
from services.engine.domain.layers.tracing import Tracing
from services.engine.domain.node_parts.node_contract import NodeType
from services.engine.infra.backend_secrets import BackendSecrets
from services.engine.infra.calm_collector import calm_collector
from services.engine.infra.command_channels.nats_channel import NatsCommandChannel
from services.engine.infra.command_channels.redis_channel import RedisCommandChannel
from services.engine.infra.engine_metrics import EngineMetrics, RetentionMetrics, readings_of
from services.engine.infra.isolated_process import (
    IsolatedOrder,
    OwnProcesses,
    receive_order,
    told_to_leave,
)
from services.engine.infra.live_messages import encode_live
from services.engine.infra.postgres.engine_stores import postgres_stores
from services.engine.infra.postgres.journal_retention import JournalRetention
from services.engine.infra.postgres.journal_store import GroupCommitter
from services.engine.infra.postgres.measured_run_store import MeasuredRunStore
from services.engine.infra.postgres.stored_bodies import StoredBodies
from services.engine.infra.postgres.stored_object_collector import StoredObjectCollector
from services.engine.infra.redis.delta_tail import RedisDeltaTail
from services.engine.infra.run_log import write_run_event
from services.engine.interface.nats.handlers import EngineHandlers
from services.engine.settings import EngineSettings

_NAME = "engine"
_LONE_CONNECTIONS = 3
_BEATS_A_LEASE = 10 / 3
_MARGIN_OF_LEASE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """What runs with secrets need: their values, and the seal on what they leave behind."""

    secrets: EnvironmentSecrets
    sealing: RunSealing


def engine_layers(
    options: EngineOptions, count_failure: Callable[[str], None] = lambda _: None
) -> LayerStack:
    """Every layer, one line each. `count_failure` is told the name of a layer that raised."""
    return LayerStack(
        guards=(
            TokenBudget(),
        ),
        observers=(
            Tracing(),
            DebugLog(options.run_log, write_run_event),
        ),
        on_failure=noted_failures(count_failure),
    )  # fmt: skip


async def start_engine(
    pool: Pool,
    sweeper: Pool,
    bus: MessageBus,
    options: EngineOptions,
    lifespan: Lifespan,
    *,
    worker_id: UUID | None = None,
    channel: CommandChannel | None = None,
    tail: DeltaTail | None = None,
    processes: IsolatedProcesses | None = None,
    vault: Vault | None = None,
    objects: ObjectStore | None = None,
    metrics: Metrics | None = None,
    on_end: Callable[[UUID], None] = lambda _: None,
) -> Engine:
    """A whole engine on open connections, started; the lifespan stops it: no new work, runs handed
    back, then the writers. Without `channel` the bus wakes owners, without `processes` no run is
    isolated, without `vault` none that has secrets can run, without `objects` large events stand in
    their rows, without `metrics` nobody sees what is counted. `on_end` is told the tenant of every
    run that ended. Raises Unavailable when the database is away."""
    clock = SystemClock()
    worker_id = worker_id or uuid7()
    sealing = vault.sealing if vault else None
    counted = EngineMetrics(metrics or Metrics())
    committer = GroupCommitter(
        pool, worker_id, sealing=sealing, objects=objects, on_commit=counted.committed
    )
    relay = OutboxRelay(
        OutboxRows(pool, sweeper, _NAME),
        bus,
        [RUN_ENDED, CHILD_ACCEPTED, FORM_OPENED],
        clock=clock,
        whole=StoredBodies(objects).whole,
    )
    runs = MeasuredRunStore(
        pool,
        sweeper,
        counted,
        clock=clock,
        group_limit=options.group_limit,
        sealing=sealing,
        objects=objects,
    )
    stores = postgres_stores(
        pool,
        sweeper,
        committer,
        sealing=sealing,
        objects=objects,
        runs=runs,
        on_fact=relay.wake,
    )

    def ended(tenant_id: UUID) -> None:
        relay.wake(tenant_id)
        on_end(tenant_id)

    engine = wire_engine(
        worker_id,
        stores,
        bus,
        channel or NatsCommandChannel(bus),
        options,
        clock=clock,
        layers=engine_layers(options, counted.layer_failed),
        publisher=EventPublisher(bus, encode_live, tail),
        processes=processes,
        secrets=vault.secrets if vault else None,
        on_end=ended,
        on_effect=counted.effect,
    )
    counted.watch(readings_of(engine.worker, committer, engine.publisher))
    _write_and_publish(lifespan, committer, engine.publisher)
    lifespan.background("outbox relay", relay.run)
    if engine.isolation is not None:
        lifespan.at_stop("isolated runs", engine.isolation.close)
    await engine.worker.start()
    lifespan.at_stop("worker", engine.worker.stop)
    handlers = EngineHandlers(engine.use_cases, engine.worker)
    await handlers.serve(bus)
    lifespan.background("wake-ups", engine.hear_wakes)
    return engine


async def build(
    settings: EngineSettings,
    lifespan: Lifespan,
    *,
    catalogue: Mapping[str, NodeType],
    isolated: Sequence[str],
) -> ServiceHost:
    """The whole service, started. `isolated` are the interpreter's arguments that lead to
    `carry_isolated` with the same catalogue."""
    worker_id, metrics, sealing = uuid7(), Metrics(), RunSeal(settings.master_key)
    pools = await open_pools(
        settings, lifespan, metrics, name=_NAME, connections=settings.database_connections
    )
    objects = open_object_store(settings.object_store_url)
    bus = await open_bus(
        settings,
        lifespan,
        metrics,
        name=_NAME,
        instance=worker_id,
        sealing=sealing,
        objects=objects,
    )
    await start_engine(
        pools.app,
        pools.sweeper,
        bus,
        _options(settings, catalogue),
        lifespan,
        worker_id=worker_id,
        channel=_channel(settings, bus, lifespan),
        tail=_tail(settings, lifespan),
        processes=OwnProcesses(*isolated),
        vault=_vault(settings, bus, sealing),
        objects=objects,
        metrics=metrics,
    )
    collector = StoredObjectCollector(pools.app, objects, sealing)
    lifespan.background("unnamed events", lambda: collector.run(SystemClock()))
    counted = RetentionMetrics(metrics)
    if settings.history_months is not None:
        retention = JournalRetention(
            pools.app,
            settings.history_months,
            on_drop=counted.month_dropped,
            on_held=counted.months_held,
        )
        lifespan.background("journal retention", lambda: retention.run(SystemClock()))
    lifespan.at_stop("serving", bus.stop_serving)
    calm_collector()
    return ServiceHost(
        _NAME,
        readiness={"postgres": lambda: pools.app.fetchval("select 1"), "nats": bus.check},
        metrics=metrics,
        max_body_bytes=settings.max_body_bytes,
    )


def carry_isolated(settings: EngineSettings, catalogue: Mapping[str, NodeType]) -> None:
    """The whole life of a process that carries one run for the worker that started it."""
    order = receive_order()
    configure_logging(_NAME, settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_carry_isolated(settings, _options(settings, catalogue), order))


async def _carry_isolated(
    settings: EngineSettings, options: EngineOptions, order: IsolatedOrder
) -> None:
    leave = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave.set)

    async def hear_starter() -> None:
        await told_to_leave()
        leave.set()

    async with Lifespan() as lifespan:
        trace_process(_NAME, settings, lifespan)
        lifespan.background("starter", hear_starter)
        pool = await open_pool(
            settings.database_url, lifespan, name=_NAME, connections=_LONE_CONNECTIONS
        )
        sealing = RunSeal(settings.master_key)
        objects = open_object_store(settings.object_store_url)
        bus = await open_bus(
            settings,
            lifespan,
            Metrics(),
            name=_NAME,
            instance=order.worker,
            sealing=sealing,
            objects=objects,
        )
        publisher = EventPublisher(bus, encode_live, _tail(settings, lifespan))
        committer = GroupCommitter(pool, order.worker, sealing=sealing, objects=objects)
        _write_and_publish(lifespan, committer, publisher)
        lone = wire_lone_run(
            order.worker,
            order.claim,
            # It sweeps for nothing, so nothing goes through the sweeper's connections.
            postgres_stores(pool, pool, committer, sealing=sealing, objects=objects),
            bus,
            _channel(settings, bus, lifespan),
            options,
            clock=SystemClock(),
            layers=engine_layers(options),
            publisher=publisher,
            secrets=_vault(settings, bus, sealing).secrets,
        )
        await lone.carry(leave)


def _write_and_publish(
    lifespan: Lifespan, committer: GroupCommitter, publisher: EventPublisher
) -> None:
    lifespan.background("journal writer", committer.run)
    lifespan.background("event publisher", publisher.run)
    lifespan.at_stop("last events", publisher.flushed)


def _channel(settings: EngineSettings, bus: MessageBus, lifespan: Lifespan) -> CommandChannel:
    if settings.command_channel == "nats" or settings.redis_url is None:
        return NatsCommandChannel(bus)
    redis = redis_client(settings.redis_url)
    lifespan.at_stop("redis wake-ups", redis.aclose)
    return RedisCommandChannel(redis)


def _tail(settings: EngineSettings, lifespan: Lifespan) -> DeltaTail | None:
    if settings.redis_url is None:
        return None
    redis = redis_client(settings.redis_url)
    lifespan.at_stop("redis tail", redis.aclose)
    return RedisDeltaTail(redis)


def _vault(settings: EngineSettings, bus: MessageBus, sealing: RunSealing) -> Vault:
    secrets = BackendSecrets(bus, SealedBox(settings.master_key), SystemClock())
    return Vault(secrets=secrets, sealing=sealing)


def _options(settings: EngineSettings, catalogue: Mapping[str, NodeType]) -> EngineOptions:
    return EngineOptions(
        worker=WorkerOptions(
            capacity=settings.capacity,
            sweep=settings.sweep_seconds,
            drain=settings.shutdown_seconds,
        ),
        lease=LeasePace(
            lease=settings.lease_seconds,
            beat=settings.lease_seconds / _BEATS_A_LEASE,
            margin=settings.lease_seconds * _MARGIN_OF_LEASE,
        ),
        suspicion=Suspicion(
            isolate_after=settings.isolate_after, quarantine_after=settings.quarantine_after
        ),
        isolated=settings.isolated,
        group_limit=settings.group_limit,
        variable_bytes=settings.variable_bytes,
        run_log=settings.run_log,
        catalogue=catalogue,
    )
