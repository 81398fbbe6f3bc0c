"""Durable messages inside one process."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import DurableSubject
from libs.common.messaging.bus import GivenUp
from libs.common.messaging.dead_letters import DeadLetter
from libs.common.messaging.in_memory_dead_letters import Delivery, InMemoryDeadLetters

_DUPLICATE = timedelta(minutes=2)
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 60.0


Handle = Callable[[Delivery], Awaitable[None]]


class InMemoryQueues:
    """Stored messages and the consumer groups that read them.

    `DurableSubject[Any]`: only its names are read here.
    """

    def __init__(self, clock: Clock) -> None:
        self.dead = InMemoryDeadLetters(clock, self._requeue)
        self._clock = clock
        self._stored: dict[str, list[Delivery]] = {}
        self._groups: dict[tuple[str, str], asyncio.Queue[Delivery]] = {}
        self._seen: dict[tuple[str, str], datetime] = {}
        self._workers: list[asyncio.Task[None]] = []

    def store(
        self, subject: DurableSubject[Any], body: bytes, envelope: Envelope, message_id: str
    ) -> None:
        now = self._clock.now()
        seen = self._seen.get((subject.stream, message_id))
        if seen is not None and now - seen < _DUPLICATE:
            return
        self._seen[subject.stream, message_id] = now
        delivery = Delivery(body=body, envelope=envelope)
        self._stored.setdefault(subject.name, []).append(delivery)
        for (name, _), queue in self._groups.items():
            if name == subject.name:
                queue.put_nowait(delivery)

    def consume(
        self,
        subject: DurableSubject[Any],
        handle: Handle,
        durable: str,
        concurrency: int,
        max_deliveries: int,
    ) -> None:
        queue = self._groups.get((subject.name, durable))
        if queue is None:
            queue = self._groups[subject.name, durable] = asyncio.Queue()
            for delivery in self._stored.get(subject.name, []):
                queue.put_nowait(delivery)

        async def work() -> None:
            while True:
                await self._deliver(await queue.get(), handle, subject, durable, max_deliveries)

        self._workers.extend(asyncio.create_task(work()) for _ in range(concurrency))

    async def close(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers.clear()

    def _requeue(self, letter: DeadLetter, delivery: Delivery) -> None:
        self._groups[letter.subject, letter.consumer].put_nowait(delivery)

    async def _deliver(
        self,
        delivery: Delivery,
        handle: Handle,
        subject: DurableSubject[Any],
        durable: str,
        max_deliveries: int,
    ) -> None:
        errors: list[str] = []
        while len(errors) < max_deliveries:
            try:
                await handle(delivery)
            except Exception as error:  # noqa: BLE001 - whatever it is, the message comes again
                errors.append(f"{type(error).__name__}: {error}")
                if isinstance(error, GivenUp):
                    break
                if len(errors) < max_deliveries:
                    delay = _FIRST_DELAY_SECONDS * 2 ** (len(errors) - 1)
                    await self._clock.sleep(min(delay, _LONGEST_DELAY_SECONDS))
            else:
                return
        self.dead.bury(delivery, subject.name, durable, errors)
