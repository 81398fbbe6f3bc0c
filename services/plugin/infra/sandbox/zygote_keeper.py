"""Keeps one good zygote at hand: replaces it when it dies, and renews it every so often."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from libs.common.errors import Unavailable
from services.plugin.app.ports.sandbox import SandboxRefused
from services.plugin.domain.sandbox.execution import ExecutionLimits, Language
from services.plugin.infra.sandbox.cell import Cell
from services.plugin.infra.sandbox.warm_cells import WarmCells
from services.plugin.infra.sandbox.zygote_process import Zygote

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0


class ZygoteKeeper:
    """The current zygote with its warm cells. `start_zygote` makes a new one."""

    def __init__(
        self,
        start_zygote: Callable[[], Awaitable[Zygote]],
        sizes: dict[Language, int],
        recycle_after: int,
    ) -> None:
        self._start_zygote = start_zygote
        self._sizes = sizes
        self._recycle_after = recycle_after
        self._zygotes: set[Zygote] = set()
        self._current: Zygote | None = None
        self._warm: WarmCells | None = None
        self._ready = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        self._watching: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def current(self) -> Zygote | None:
        """The zygote that new cells come from, None while there is none."""
        return self._current

    async def start(self) -> None:
        """Start the first zygote. Raises SandboxRefused."""
        self._install(await self._start_zygote())

    async def take(self, language: Language, limits: ExecutionLimits, wait_seconds: float) -> Cell:
        """A cell, waiting for a replacement zygote if need be. Raises Unavailable, SandboxLost."""
        try:
            async with asyncio.timeout(wait_seconds):
                await self._ready.wait()
        except TimeoutError:
            raise Unavailable("the code sandbox is restarting", retry_after=1.0) from None
        warm, current = self._warm, self._current
        if warm is None or current is None or self._closed:
            raise Unavailable("the code sandbox is closed")
        cell = warm.take(language, limits)
        if current.ordered >= self._recycle_after:
            self._renew()
        return cell

    async def close(self) -> None:
        """Kill every zygote and what runs in it."""
        self._closed = True
        self._ready.set()
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        if self._warm is not None:
            self._warm.close()
        await asyncio.gather(*(zygote.close() for zygote in self._zygotes))
        await asyncio.gather(*self._watching, return_exceptions=True)
        self._current = self._warm = None

    def _install(self, zygote: Zygote) -> None:
        old, old_warm = self._current, self._warm
        self._zygotes.add(zygote)
        self._current = zygote
        self._warm = WarmCells(zygote, self._sizes)
        self._ready.set()
        watch = asyncio.get_running_loop().create_task(self._watch(zygote))
        self._watching.add(watch)
        watch.add_done_callback(self._watching.discard)
        if old is not None and old_warm is not None:
            old_warm.close()
            old.retire()

    async def _watch(self, zygote: Zygote) -> None:
        await asyncio.shield(zygote.exited)
        self._zygotes.discard(zygote)
        if zygote is not self._current or self._closed:
            return
        _log.warning("the sandbox process died and is replaced: %s", zygote.last_words)
        self._ready.clear()
        if self._warm is not None:
            self._warm.close()
        self._current = self._warm = None
        self._renew()

    def _renew(self) -> None:
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.get_running_loop().create_task(self._start_until_it_runs())

    async def _start_until_it_runs(self) -> None:
        pause = _FIRST_PAUSE
        while not self._closed:
            try:
                self._install(await self._start_zygote())
            except SandboxRefused as refusal:
                _log.warning("the sandbox process does not start: %s", refusal.message)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return
