"""Blocking calls off the event loop, in a pool of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from libs.common.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")


class WorkerThreads:
    """At most `threads` calls at once; at most `limit` more wait, the next raises Busy."""

    def __init__(self, name: str, *, threads: int = 8, limit: int = 1000) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threads + limit
        self._calls = 0

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._calls >= self._room:
            raise Busy("Too many calls wait for the object store.", retry_after=1.0)
        self._calls += 1
        future = self._pool.submit(call, *args, **kwargs)
        # A caller that is cancelled leaves; its call still fills a thread until it ends.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _on_loop(loop, self._done))
        return await asyncio.wrap_future(future)

    def start(self, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """The same with nobody who waits; what it raises is dropped."""
        self._pool.submit(call, *args, **kwargs)

    def close(self) -> None:
        """Refuse new calls and drop those that wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self) -> None:
        self._calls -= 1


def _on_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
