"""Puts inference together: the only file that names both interface and infra."""

import aiohttp

from libs.common.clock import SystemClock
from libs.common.fair_places import FairPlaces, share_of
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.call_parts import GrowingText
from libs.common.keyed_calls.growing_text import RedisGrowingText
from libs.common.keyed_calls.open_keyed_calls import open_keyed_calls
from libs.common.lifespan import Lifespan
from libs.common.messaging.open_bus import open_bus
from libs.common.metrics import Metrics
from libs.common.object_store.open_store import open_object_store
from libs.common.run_seal import RunSeal
from libs.common.sealed_box import SealedBox
from libs.common.service_host import ServiceHost
from libs.common.stored_files import StoredFiles
from services.inference.app.chat.answer_chat import AnswerChat, ChatParts
from services.inference.app.chat.bring_images import BringImages
from services.inference.app.chat.complete_chat import CompleteChat
from services.inference.app.models.list_models import ListModels
from services.inference.app.models.list_providers import ListProviders
from services.inference.app.models.told_models import ToldModels
from services.inference.infra.credentials.backend_credentials import BackendCredentials
from services.inference.infra.keyed_calls.chat_neighbours import ChatNeighbours
from services.inference.infra.prometheus_model_metrics import PrometheusModelMetrics
from services.inference.infra.sheets.watched_sheets import WatchedSheets
from services.inference.infra.wires.catalogue import Wires
from services.inference.infra.wires.openai_models import OpenAiModels
from services.inference.interface.http.openai_door import openai_router, render_error
from services.inference.interface.nats.handlers import InferenceHandlers
from services.inference.settings import InferenceSettings

SCHEMA = "inference"


async def build(settings: InferenceSettings, lifespan: Lifespan) -> ServiceHost:
    """Start every part in dependency order; serving NATS comes last."""
    clock, metrics, holder = SystemClock(), Metrics(), uuid7()
    sealing = RunSeal(settings.master_key)
    objects = open_object_store(settings.object_store_url)
    bus = await open_bus(
        settings,
        lifespan,
        metrics,
        name=SCHEMA,
        instance=holder,
        sealing=sealing,
        objects=objects,
    )
    sheets = WatchedSheets(settings.providers_dir, clock)
    lifespan.background("sheets", sheets.watch)
    session = await _session(settings, lifespan)
    credentials = BackendCredentials(bus, SealedBox(settings.master_key), clock)
    lifespan.background("changed credentials", credentials.hear_changes)
    complete = CompleteChat(
        sheets=sheets,
        credentials=credentials,
        wires=Wires(session, clock),
        clock=clock,
        places=_places(settings.upstream_connections),
        metrics=PrometheusModelMetrics(metrics),
    )
    keyed, postgres = await open_keyed_calls(
        settings,
        lifespan,
        metrics,
        schema=SCHEMA,
        holder=holder,
        shape=ChatParts(),
        neighbours=ChatNeighbours(bus),
        growing=await _growing_text(settings, lifespan),
    )
    images = BringImages(StoredFiles(objects, sealing))
    answer = AnswerChat(complete=complete, keyed=keyed, images=images)
    told = ToldModels(OpenAiModels(session), clock)
    models = ListModels(sheets=sheets, credentials=credentials, told=told)
    handlers = InferenceHandlers(
        answer=answer,
        models=models,
        providers=ListProviders(sheets),
        keyed=keyed,
        holder=holder,
    )
    await handlers.serve(bus)
    lifespan.at_stop("serving", bus.stop_serving)
    key = settings.http_key.get_secret_value() if settings.http_key else None
    return ServiceHost(
        SCHEMA,
        routers=[openai_router(answer=answer, models=models, http_key=key)],
        readiness={"nats": bus.check, "postgres": postgres},
        metrics=metrics,
        render=render_error,
        max_body_bytes=settings.max_body_bytes,
    )


def _places(connections: int) -> FairPlaces:
    # Calls last for minutes: a tenant must not have to wait until another's have ended.
    return FairPlaces(
        connections,
        most_each=share_of(connections),
        most_waiting=4 * connections,
        most_waiting_each=2 * connections,
    )


async def _session(settings: InferenceSettings, lifespan: Lifespan) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=settings.upstream_connections, keepalive_timeout=30)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    lifespan.at_stop("upstream session", session.close)
    return session


async def _growing_text(settings: InferenceSettings, lifespan: Lifespan) -> GrowingText | None:
    if settings.redis_url is None:
        return None
    growing = RedisGrowingText(settings.redis_url, clock=SystemClock())
    await lifespan.entered("growing text", growing.running())
    return growing
