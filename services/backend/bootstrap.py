"""Puts the backend together: the only file that names both interface and infra."""

from datetime import timedelta
from uuid import UUID

from libs.common.clock import SystemClock
from libs.common.contracts.run_limits import RunLimits
from libs.common.contracts.subjects import CONVERSATION_DELETED
from libs.common.database.asyncpg_pool import Pool
from libs.common.database.outbox_relay import OutboxRelay
from libs.common.database.outbox_rows import OutboxRows
from libs.common.database.service_pools import ServicePools, open_pools
from libs.common.guarded_http.egress_rules import EgressRules
from libs.common.guarded_http.guarded_http import GuardedHttp
from libs.common.identifiers import uuid7
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.messaging.open_bus import open_bus
from libs.common.metrics import Metrics
from libs.common.object_store.open_store import open_object_store
from libs.common.object_store.store import ObjectStore
from libs.common.redis_client import redis_client
from libs.common.run_seal import RunSeal
from libs.common.service_host import ServiceHost
from libs.common.state_store.postgres_tier import PostgresTier
from libs.common.state_store.prometheus_store_metrics import PrometheusStoreMetrics
from libs.common.state_store.redis_tier import RedisTier
from libs.common.state_store.tiered_store import TieredStore
from libs.common.stored_file_links import StoredFileLinks
from libs.common.stored_files import StoredFiles
from services.backend.app.files.show_file import RunFiles
from services.backend.app.identity.check_master_key import (
    check_master_key,
    remember_master_key,
)
from services.backend.app.identity.first_start import FirstStart
from services.backend.app.identity.key_index import KeyIndex
from services.backend.app.ports.api_key_repository import ApiKeyRepository
from services.backend.app.ports.delta_tail import DeltaTail, NoDeltaTail
from services.backend.app.ports.mail_sender import MailSender
from services.backend.app.reviews.deliver_form import Senders
from services.backend.app.reviews.telling import TellingParts
from services.backend.app.use_cases import Parts, UploadRules, UseCases, put_together
from services.backend.domain.files.file_kinds import SizeLimits
from services.backend.infra.credential_sealer import MasterKeySealer
from services.backend.infra.credentials_file import StateFolderCredentials
from services.backend.infra.guarded_webhook_sender import GuardedWebhookSender
from services.backend.infra.postgres.api_key_repository import PostgresApiKeyRepository
from services.backend.infra.postgres.app_repository import PostgresAppRepository
from services.backend.infra.postgres.conversation_repository import PostgresConversationRepository
from services.backend.infra.postgres.credential_repository import PostgresCredentialRepository
from services.backend.infra.postgres.delivery_records import PostgresDeliveryRecords
from services.backend.infra.postgres.environment_secret_repository import (
    PostgresEnvironmentSecrets,
)
from services.backend.infra.postgres.file_repository import PostgresFileRepository
from services.backend.infra.postgres.idempotency_records import PostgresIdempotencyRecords
from services.backend.infra.postgres.run_repository import PostgresRunRepository
from services.backend.infra.postgres.sealed_samples import PostgresSealedSamples
from services.backend.infra.postgres.tenant_repository import PostgresTenantRepository
from services.backend.infra.prometheus_delivery_metrics import PrometheusDeliveryMetrics
from services.backend.infra.redis_delta_tail import RedisDeltaTail
from services.backend.infra.smtp_mail_sender import SmtpMailSender, smtp_options
from services.backend.infra.yaml.document_reader import YamlDocumentReader
from services.backend.interface.http.dify.file_routes import UPLOAD_PATH, upload_bound
from services.backend.interface.http.review.routes import REVIEW_PATHS
from services.backend.interface.http.routers import all_routers
from services.backend.interface.http.wires import render_error
from services.backend.interface.nats import handlers
from services.backend.settings import BackendSettings

SCHEMA = "backend"


async def build(settings: BackendSettings, lifespan: Lifespan) -> ServiceHost:
    """Start every part in dependency order; background work and NATS come last."""
    clock, metrics = SystemClock(), Metrics()
    objects = open_object_store(settings.object_store_url)
    bus = await open_bus(
        settings, lifespan, metrics, name=SCHEMA, instance=uuid7(), objects=objects
    )
    pools = await open_pools(
        settings, lifespan, metrics, name=SCHEMA, connections=settings.database_connections
    )
    sealer = MasterKeySealer(settings.master_key)
    samples = PostgresSealedSamples(pools.app, pools.sweeper)
    await check_master_key(samples, sealer)
    store = await _store(settings, lifespan, pools.app, bus, metrics)
    keys, index = PostgresApiKeyRepository(pools.app), KeyIndex(store)
    first = await _first_start(settings, pools, keys, index)
    await remember_master_key(samples, sealer, first)
    relay = _relay(pools, bus)
    uploads = _upload_rules(settings)
    cases = put_together(
        Parts(
            bus=bus,
            clock=clock,
            index=index,
            keys=keys,
            apps=PostgresAppRepository(pools.app),
            runs=PostgresRunRepository(pools.app, pools.sweeper),
            conversations=PostgresConversationRepository(pools.app, relay.wake),
            credentials=PostgresCredentialRepository(pools.app),
            secrets=PostgresEnvironmentSecrets(pools.app),
            idempotency=PostgresIdempotencyRecords(pools.app),
            documents=YamlDocumentReader(),
            sealer=sealer,
            tail=_tail(settings, lifespan),
            dead_letters=bus.dead_letters,
            limits=_run_limits(settings),
            files=PostgresFileRepository(pools.app, pools.sweeper),
            objects=objects,
            uploads=uploads,
            run_files=_run_files(settings, objects),
            telling=await _telling(settings, lifespan, pools.app, metrics),
        )
    )
    _work_beside(lifespan, cases, relay)
    await handlers.serve(bus, cases)
    lifespan.at_stop("serving", bus.stop_serving)
    return ServiceHost(
        SCHEMA,
        routers=all_routers(
            cases, bus, run_seconds=settings.run_seconds, chat_seconds=settings.chat_seconds
        ),
        readiness={"nats": bus.check, "postgres": lambda: pools.app.fetchval("select 1")},
        metrics=metrics,
        render=render_error,
        max_body_bytes=settings.max_body_bytes,
        body_bounds=dict.fromkeys((UPLOAD_PATH, REVIEW_PATHS), upload_bound(uploads.limits)),
    )


async def _first_start(
    settings: BackendSettings, pools: ServicePools, keys: ApiKeyRepository, index: KeyIndex
) -> UUID:
    tenants = PostgresTenantRepository(pools.app, pools.sweeper)
    return await FirstStart(tenants, keys, index, StateFolderCredentials(settings.state_dir))()


def _relay(pools: ServicePools, bus: NatsBus) -> OutboxRelay:
    rows = OutboxRows(pools.app, pools.sweeper, SCHEMA)
    return OutboxRelay(rows, bus, [CONVERSATION_DELETED], clock=SystemClock())


def _work_beside(lifespan: Lifespan, cases: UseCases, relay: OutboxRelay) -> None:
    lifespan.background("run relay", cases.relay_runs.run)
    lifespan.background("outbox relay", relay.run)
    lifespan.background("key uses", cases.key_uses.run)
    lifespan.background("old uploads", cases.collect_uploads.run)


def _run_limits(settings: BackendSettings) -> RunLimits:
    return RunLimits(
        max_steps=settings.run_max_steps,
        max_seconds=settings.run_max_seconds,
        max_tokens=settings.run_max_tokens,
        max_depth=settings.run_max_depth,
    )


def _upload_rules(settings: BackendSettings) -> UploadRules:
    return UploadRules(
        limits=SizeLimits(
            document=settings.file_mib,
            image=settings.image_mib,
            video=settings.video_mib,
            audio=settings.audio_mib,
        ),
        blocked=frozenset(settings.blocked_extensions),
        base_url=settings.reached_at,
        link_seconds=settings.file_link_seconds,
    )


def _run_files(settings: BackendSettings, objects: ObjectStore) -> RunFiles:
    links = StoredFileLinks(
        settings.master_key,
        base_url=settings.reached_at,
        lasting=timedelta(seconds=settings.file_link_seconds),
        clock=SystemClock(),
    )
    return RunFiles(links=links, stored=StoredFiles(objects, RunSeal(settings.master_key)))


async def _store(
    settings: BackendSettings, lifespan: Lifespan, pool: Pool, bus: NatsBus, metrics: Metrics
) -> TieredStore:
    clock = SystemClock()
    middle = None
    if settings.redis_url is not None:
        middle = RedisTier(settings.redis_url, clock=clock)
        lifespan.at_stop("redis", middle.aclose)
    store = TieredStore(
        PostgresTier(pool, SCHEMA),
        bus=bus,
        clock=clock,
        middle=middle,
        metrics=PrometheusStoreMetrics(metrics),
    )
    bus.on_disconnect(store.bus_lost)
    bus.on_reconnect(store.bus_back)
    await lifespan.entered("state store", store.running())
    return store


async def _telling(
    settings: BackendSettings, lifespan: Lifespan, pool: Pool, metrics: Metrics
) -> TellingParts:
    rules = EgressRules.parse(settings.egress_allow, settings.egress_overrides)
    http = await lifespan.started("guarded http", GuardedHttp(rules))
    return TellingParts(
        records=PostgresDeliveryRecords(pool),
        senders=Senders(mail=_mail(settings), hooks=GuardedWebhookSender(http)),
        metrics=PrometheusDeliveryMetrics(metrics),
        public_url=settings.public_url,
    )


def _mail(settings: BackendSettings) -> MailSender | None:
    if settings.smtp_url is None or settings.smtp_from is None:
        return None
    options = smtp_options(settings.smtp_url.get_secret_value(), settings.smtp_from)
    return SmtpMailSender(options, SystemClock().now)


def _tail(settings: BackendSettings, lifespan: Lifespan) -> DeltaTail:
    if settings.redis_url is None:
        return NoDeltaTail()
    redis = redis_client(settings.redis_url)
    lifespan.at_stop("redis tail", redis.aclose)
    return RedisDeltaTail(redis)
