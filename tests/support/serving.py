"""A web application on loopback for synchronous tests."""

import asyncio
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager

from aiohttp import web

_START_SECONDS = 10.0


@contextmanager
def serving(app: web.Application, tls: ssl.SSLContext | None = None) -> Generator[str]:
    """Run `app` on a free port, in a thread with a loop of its own; gives `host:port`."""
    started, stop = threading.Event(), threading.Event()
    address: list[str] = []

    async def serve() -> None:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        host, port = runner.addresses[0][:2]
        address.append(f"{host}:{port}")
        started.set()
        await asyncio.to_thread(stop.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    if not started.wait(_START_SECONDS):
        raise RuntimeError("the test server did not start")
    try:
        yield address[0]
    finally:
        stop.set()
        thread.join(_START_SECONDS)
