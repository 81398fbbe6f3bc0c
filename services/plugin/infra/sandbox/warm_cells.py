"""Jailed processes that wait for a request, so that a request need not wait for one."""

import asyncio
from collections import deque

from services.plugin.app.ports.sandbox import SandboxLost
from services.plugin.domain.sandbox.execution import ExecutionLimits, Language
from services.plugin.infra.sandbox.cell import Cell
from services.plugin.infra.sandbox.zygote_process import Zygote

_LANGUAGES: tuple[Language, ...] = ("python3", "javascript", "command")


class WarmCells:
    """Idle cells of one zygote, with default limits. Each is used once."""

    def __init__(self, zygote: Zygote, sizes: dict[Language, int]) -> None:
        self._zygote = zygote
        self._sizes = sizes
        self._defaults = ExecutionLimits()
        self._idle: dict[Language, deque[Cell]] = {each: deque() for each in _LANGUAGES}
        self._refill_due = False
        self._closed = False
        self._refill()

    def take(self, language: Language, limits: ExecutionLimits) -> Cell:
        """A cell with these limits, a waiting one if possible. Raises SandboxLost."""
        idle = self._idle[language]
        while idle and _same_jail(limits, self._defaults):
            cell = idle.popleft()
            self._refill_soon()
            if cell.alive:
                return cell
            cell.close()
        return self._zygote.order(language, limits)

    def close(self) -> None:
        """End the idle ones."""
        self._closed = True
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _refill_soon(self) -> None:
        if not self._refill_due:
            self._refill_due = True
            asyncio.get_running_loop().call_soon(self._refill)

    def _refill(self) -> None:
        self._refill_due = False
        if self._closed:
            return
        try:
            for language, size in self._sizes.items():
                while len(self._idle[language]) < size:
                    self._idle[language].append(self._zygote.order(language, self._defaults))
        except SandboxLost:
            return  # the keeper of the zygote replaces it, and this pool with it


def _same_jail(one: ExecutionLimits, other: ExecutionLimits) -> bool:
    """Whether the kernel's limits agree; the supervisor's own come with the request."""

    def kernel(limits: ExecutionLimits) -> tuple[int, ...]:
        return (
            limits.cpu_seconds,
            limits.memory_bytes,
            limits.processes,
            limits.file_bytes,
            limits.disk_bytes,
        )

    return kernel(one) == kernel(other)
