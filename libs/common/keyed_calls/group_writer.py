"""One writer for all callers of a process: whatever waits while a call is under way goes next."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from libs.common.clock import Clock
from libs.common.errors import Busy, Unavailable
from libs.common.retry_policy import RetryPolicy

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class GroupWriter(Generic[Item, Answer]):
    """`write` takes a batch and answers each item, in order, in one transaction.

    An error for which `is_transient` holds has the batch tried again within `retry`, then every
    caller gets Unavailable. Any other error is the data's: the batch is halved until the guilty
    items are alone with it. No delay is added: a lone caller's item goes at once.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        is_transient: Callable[[BaseException], bool],
        clock: Clock,
        retry: RetryPolicy,
        batch: int = 256,
        limit: int = 10_000,
    ) -> None:
        self._write = write
        self._is_transient = is_transient
        self._clock = clock
        self._retry = retry
        self._batch = batch
        self._limit = limit
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writing = False
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Answer:
        """The answer to `item`, committed. Raises Busy when too many wait already."""
        if len(self._waiting) >= self._limit:
            raise Busy("Too many calls wait for the database.", retry_after=1.0)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._writing:
            self._waiting.append((item, answer))
        else:
            # A lone caller writes for itself: a task would cost it two turns of the loop.
            self._writing = True
            try:
                await self._settle([(item, answer)])
            finally:
                self._go_on()
        return await answer

    def _go_on(self) -> None:
        self._writing = bool(self._waiting)
        if self._writing:
            self._task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
                try:
                    await self._settle(batch)
                except BaseException:
                    for _, answer in (*batch, *self._waiting):
                        answer.cancel()
                    self._waiting.clear()
                    raise
        finally:
            self._writing = False

    async def _settle(self, batch: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._write_surely([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001
            # Whatever went wrong belongs to the callers; the writer serves the next ones.
            if len(batch) > 1 and not isinstance(error, Unavailable):
                half = len(batch) // 2
                await self._settle(batch[:half])
                await self._settle(batch[half:])
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)

    async def _write_surely(self, items: list[Item]) -> Sequence[Answer]:
        until = self._clock.monotonic() + self._retry.total.total_seconds()
        for attempt in range(self._retry.attempts):
            try:
                return await self._write(items)
            except Exception as error:
                # Filtered at once: only what the adapter calls transient is tried again.
                if not self._is_transient(error):
                    raise
                _log.warning("a group write is tried again: %s", error)
            cap = min(self._retry.cap, self._retry.first * 2**attempt).total_seconds()
            if self._clock.monotonic() + cap >= until:
                break
            await self._clock.sleep(random.uniform(0, cap))
        raise Unavailable("The database did not take the write in time.", retry_after=1.0)
