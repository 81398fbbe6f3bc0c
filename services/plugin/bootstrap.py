"""Puts plugin together: the only file that names both interface and infra."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from libs.common.clock import Clock, SystemClock
from libs.common.errors import HeddleError
from libs.common.guarded_http.egress_rules import EgressRules
from libs.common.guarded_http.guarded_http import GuardedHttp, OnAnswer
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.open_keyed_calls import open_keyed_calls
from libs.common.lifespan import Lifespan
from libs.common.messaging.open_bus import open_bus
from libs.common.metrics import Metrics
from libs.common.object_store.open_store import open_object_store
from libs.common.run_seal import RunSeal
from libs.common.service_host import ServiceHost
from libs.common.stored_file_links import StoredFileLinks
from libs.common.stored_files import StoredFiles
from services.plugin.app.calls.answer_once import AnswerOnce, SingleReply
from services.plugin.app.code.run_code import RunCode
from services.plugin.app.commands.run_command import RunCommand
from services.plugin.app.documents.read_document import ReadDocument
from services.plugin.app.files.collect_files import CollectFiles
from services.plugin.app.files.keep_file import KeepFile
from services.plugin.app.files.load_file import LoadFile
from services.plugin.app.http.fetch_http import FetchHttp
from services.plugin.app.sandbox.patient_sandbox import PatientSandbox
from services.plugin.app.tools.call_tool import CallTool, ListTools
from services.plugin.domain.sandbox.execution import ExecutionLimits
from services.plugin.infra.http.guarded_fetcher import GuardedFetcher
from services.plugin.infra.keyed_calls.plugin_neighbours import PluginNeighbours
from services.plugin.infra.sandbox.options import SandboxOptions
from services.plugin.infra.sandbox.sandbox import ProcessSandbox
from services.plugin.infra.tools.bundle_tools import BundleTools
from services.plugin.interface.http.tools import tools_router
from services.plugin.interface.nats.handlers import PluginHandlers
from services.plugin.settings import PluginSettings

SCHEMA = "plugin"
_COLLECT_SECONDS = 3600.0
_log = structlog.get_logger("heddle.plugin")


async def build(settings: PluginSettings, lifespan: Lifespan) -> ServiceHost:
    """Start every part in dependency order; serving NATS comes last."""
    clock, metrics, holder = SystemClock(), Metrics(), uuid7()
    objects = open_object_store(settings.object_store_url)
    sealing = RunSeal(settings.master_key)
    bus = await open_bus(
        settings,
        lifespan,
        metrics,
        name=SCHEMA,
        instance=holder,
        sealing=sealing,
        objects=objects,
    )
    sandbox = ProcessSandbox(
        SandboxOptions(minimum=settings.sandbox_minimum, cache_folder=settings.sandbox_cache_dir)
    )
    await lifespan.started("sandbox", sandbox)
    rules = EgressRules.parse(settings.egress_allow, settings.egress_overrides)
    http = await lifespan.started(
        "guarded http", GuardedHttp(rules, on_answer=_counted_by(metrics))
    )
    bundles = BundleTools(settings.bundles_dir)
    tools = CallTool(tools=bundles, clock=clock, log=structlog.get_logger("heddle.tools"))
    listing = ListTools(bundles)
    keyed, postgres = await open_keyed_calls(
        settings,
        lifespan,
        metrics,
        schema=SCHEMA,
        holder=holder,
        shape=SingleReply(),
        neighbours=PluginNeighbours(bus),
    )
    fetcher, patient = GuardedFetcher(http), PatientSandbox(sandbox, clock)
    load = LoadFile(fetcher=fetcher, stored=StoredFiles(objects, sealing))
    keep = KeepFile(objects=objects, links=_file_links(settings, clock), sealing=sealing)
    handlers = PluginHandlers(
        once=AnswerOnce(keyed),
        code=RunCode(sandbox=patient, limits=ExecutionLimits()),
        http=FetchHttp(fetcher=fetcher, load=load, keep=keep),
        documents=ReadDocument(load=load, sandbox=patient),
        commands=RunCommand(load=load, keep=keep, sandbox=patient),
        tools=tools,
        listing=listing,
        keyed=keyed,
        holder=holder,
    )
    await handlers.serve(bus)
    lifespan.at_stop("serving", bus.stop_serving)
    files = CollectFiles(objects=objects, kept_runs=keyed.kept_runs, clock=clock)
    lifespan.background("old objects", lambda: _collect(clock, bus.collect_bodies, files.run))
    return ServiceHost(
        SCHEMA,
        routers=[tools_router(listing=listing, isolation=sandbox.isolation)],
        readiness={"nats": bus.check, "postgres": postgres},
        metrics=metrics,
        max_body_bytes=settings.max_body_bytes,
    )


def _file_links(settings: PluginSettings, clock: Clock) -> StoredFileLinks:
    return StoredFileLinks(
        settings.master_key,
        base_url=settings.public_url or settings.backend_url,
        lasting=timedelta(seconds=settings.file_link_seconds),
        clock=clock,
    )


def _counted_by(metrics: Metrics) -> OnAnswer:
    seconds = metrics.histogram(
        "heddle_outgoing_http_seconds",
        "Requests to targets that workflows and tools name, to the answer's headers.",
        ("outcome",),
    )
    return lambda outcome, took: seconds.labels(outcome).observe(took)


async def _collect(clock: Clock, *collectors: Callable[[], Awaitable[int]]) -> None:
    # Of message bodies one service has to do it for all; the one that is about the outside has the
    # least to lose.
    while True:
        await clock.sleep(_COLLECT_SECONDS)
        for collect in collectors:
            try:
                await collect()
            except HeddleError as error:
                _log.warning("old_objects_stay", reason=error.message)
