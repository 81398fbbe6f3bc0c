"""One service's process: its HTTP application and how it starts, drains and stops."""

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager

import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI

from libs.common.bounded_connection import BoundedConnection
from libs.common.errors import PlatformFault
from libs.common.exit_status import CANNOT_START
from libs.common.health_routes import ReadinessCheck, health_router
from libs.common.http_middleware import (
    BodyBound,
    BodyLimit,
    MeasuredRequests,
    TracedRequests,
    UnexpectedErrors,
)
from libs.common.lifespan import Lifespan
from libs.common.metrics import Metrics
from libs.common.problem_responses import (
    MEDIA_TYPE,
    Problem,
    Renderer,
    documented_errors,
    install_problem_responses,
    problem_response,
)
from libs.common.service_settings import ServiceSettings
from libs.common.structured_logging import configure_logging

_GRACEFUL_SECONDS = 10
_BODY_BYTES = 16 * 1024 * 1024
_log = structlog.get_logger("heddle.service")

AppLifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class ServiceHost:
    """A FastAPI application with health, metrics, OpenAPI and problem responses.

    `readiness` names each dependency and a check that raises when it is away. `render` shapes
    errors where a door has its own shape. `max_body_bytes` bounds every request's body but those
    to the paths of `body_bounds`.
    """

    def __init__(
        self,
        name: str,
        *,
        routers: Sequence[APIRouter] = (),
        readiness: Mapping[str, ReadinessCheck] | None = None,
        lifespan: AppLifespan | None = None,
        metrics: Metrics | None = None,
        render: Renderer = problem_response,
        max_body_bytes: int = _BODY_BYTES,
        body_bounds: Mapping[str, BodyBound] | None = None,
    ) -> None:
        self.name = name
        self.metrics = metrics or Metrics()
        self._ready = True
        self._server: uvicorn.Server | None = None
        self.app = FastAPI(
            title=f"Heddle {name}",
            lifespan=lifespan,
            docs_url=None,
            redoc_url=None,
            responses=documented_errors(Problem, MEDIA_TYPE),
        )
        install_problem_responses(self.app, render)
        self.app.include_router(
            health_router(dict(readiness or {}), self.metrics, lambda: self._ready)
        )
        for router in routers:
            self.app.include_router(router)
        # The last one added is the outermost.
        self.app.add_middleware(
            BodyLimit, limit=max_body_bytes, render=render, others=dict(body_bounds or {})
        )
        self.app.add_middleware(UnexpectedErrors, render=render)
        self.app.add_middleware(MeasuredRequests, metrics=self.metrics)
        self.app.add_middleware(TracedRequests)

    async def serve(
        self,
        host: str,
        port: int,
        *,
        drain_seconds: float = 0.0,
        listening: Callable[[int], None] | None = None,
    ) -> None:
        """Answer HTTP until SIGTERM or SIGINT, or `stop`.

        Then: not ready, `drain_seconds` of grace, no new connections, at most 10 s for requests
        under way. Port 0 takes a free one; `listening` hears which.
        """
        config = uvicorn.Config(
            self.app,
            loop="none",
            http=BoundedConnection,
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            timeout_keep_alive=75,
        )
        server = self._server = _Server(config)
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        listener = _listener(host, port)
        drain = asyncio.create_task(self._drain(stopping, drain_seconds))
        try:
            if listening is not None:
                listening(listener.getsockname()[1])
            await server.serve(sockets=[listener])
        finally:
            drain.cancel()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
            listener.close()

    def stop(self) -> None:
        """Report not ready and end `serve` after the requests under way."""
        self._ready = False
        if self._server is not None:
            self._server.should_exit = True

    async def _drain(self, stopping: asyncio.Event, drain_seconds: float) -> None:
        await stopping.wait()
        _log.info("stopping", drain_seconds=drain_seconds)
        self._ready = False
        await asyncio.sleep(drain_seconds)
        self.stop()


def run_service(
    name: str,
    settings: ServiceSettings,
    port: int,
    build: Callable[[Lifespan], Awaitable[ServiceHost]],
) -> None:
    """A service's whole `main`: logging, tracing, event loop, `build` (which starts the parts in
    its lifespan), HTTP until a signal, then everything stopped in reverse order.

    Exits with CANNOT_START, and one line in the log, when a part refuses to start and would refuse
    again."""
    configure_logging(name, settings.log_level)

    async def live() -> None:
        async with Lifespan() as lifespan:
            trace_process(name, settings, lifespan)
            host = await build(lifespan)
            await host.serve(
                settings.host,
                port,
                drain_seconds=settings.drain_seconds,
                listening=lambda bound: _log.info("listening", host=settings.host, port=bound),
            )

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(live())
        except PlatformFault as fault:
            if fault.retryable:
                raise
            _log.error("cannot_start", error=fault.message, code=fault.code)
            sys.exit(CANNOT_START)
    _log.info("stopped")


def trace_process(name: str, settings: ServiceSettings, lifespan: Lifespan) -> None:
    """Export this process's spans where the settings name a collector, until the lifespan ends."""
    if settings.otlp_endpoint is not None:
        # Importing the SDK costs 150 ms, which only those who export shall pay.
        from libs.common.exported_spans import export_spans  # noqa: PLC0415

        export_spans(name, settings.otlp_endpoint, lifespan)


class _Server(uvicorn.Server):
    """Leaves signals to us: readiness must go before the port does."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    listener.setblocking(False)
    return listener
