"""What a process started, and how it stops it: in reverse order, each within a bound."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Protocol, Self, TypeVar

import structlog

T = TypeVar("T")

_STOP_SECONDS = 15.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_log = structlog.get_logger("heddle.lifespan")


class Closable(Protocol):
    """A thing with a beginning and an end."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


C = TypeVar("C", bound=Closable)


class Lifespan:
    """`async with Lifespan() as lifespan:` then start things one after the other.

    Leaving stops them in reverse order. A thing that fails or hangs while it stops is logged, and
    the others are stopped nevertheless.
    """

    def __init__(
        self, stop_seconds: float = _STOP_SECONDS, *, first_pause: float = _FIRST_PAUSE_SECONDS
    ) -> None:
        self._stop_seconds = stop_seconds
        self._first_pause = first_pause
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def started(self, name: str, thing: C) -> C:
        """Start `thing`, close it at the end."""
        await thing.start()
        self.at_stop(name, thing.close)
        return thing

    async def entered(self, name: str, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter `manager`, leave it at the end."""
        value = await manager.__aenter__()
        self.at_stop(name, lambda: manager.__aexit__(None, None, None))
        return value

    def at_stop(self, name: str, stop: Callable[[], Awaitable[object]]) -> None:
        """Await `stop()` at the end."""
        self._stack.push_async_callback(self._stop, name, stop)

    def background(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work()` beside everything else until it returns or the end comes.

        Should it fail, that is logged and it is started again, after `first_pause`
        seconds at first and up to thirty: a part that is gone for good would go unnoticed.
        """
        task = asyncio.ensure_future(_watched(name, work, self._first_pause))

        async def cancel() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.at_stop(name, cancel)

    async def _stop(self, name: str, stop: Callable[[], Awaitable[object]]) -> None:
        try:
            async with asyncio.timeout(self._stop_seconds):
                await stop()
        except Exception as error:  # noqa: BLE001 - the others must stop too
            _log.error("stop_failed", part=name, exc_info=error)


async def _watched(name: str, work: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - nobody awaits a background task
            _log.error("background_failed", part=name, again_in=pause, exc_info=error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
