"""Where the runs' requests go: a web server on loopback that counts what it is asked."""

import asyncio
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.serving import serving

_SECONDS = (0.02, 0.4)


@dataclass(slots=True)
class CountedWeb:
    """`asked` counts the requests by path without its first slash, `keys` are the idempotency keys
    that came with them."""

    asked: Counter[str] = field(default_factory=Counter[str])
    keys: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set[str]))
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/")
        with self._lock:
            self.asked[name] += 1
            if key := request.headers.get("Idempotency-Key"):
                self.keys[name].add(key)
        # Counted before it answers: who is killed meanwhile has asked.
        await asyncio.sleep(random.Random(name).uniform(*_SECONDS))
        return web.Response(text=body_of(name))


def body_of(name: str) -> str:
    """What is said to whoever asks for `name`."""
    return f"here is {name}"


@contextmanager
def counted_web() -> Generator[CountedWeb]:
    """A running server on a free port."""
    server = CountedWeb()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", server.handle)
    with serving(app) as address:
        server.url = f"http://{address}"
        yield server
