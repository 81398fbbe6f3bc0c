"""What lies between processes: delays, lost questions, lost answers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from libs.common.clock import Clock
from libs.common.retry_policy import STORE
from libs.common.retrying import retrying
from tests.simulation.world import Process, World

T = TypeVar("T")
SILENCE_SECONDS = 3.0
"""After this long without an answer a client of the store gives up."""


class Network:
    """`loss` is the chance that a message gets lost, `delay` the mean of its way in seconds."""

    def __init__(self, world: World, *, delay: float) -> None:
        self.world = world
        self.loss = 0.0
        self.store_away_until = 0.0
        self._delay = delay

    def to_process(self, process: Process, happen: Callable[[], None]) -> bool:
        """Have `happen` called in the process after a while; False when it will get lost."""
        if self._gets_lost(process):
            return False
        self.world.after(self._way(), lambda: process.do(happen))
        return True

    def from_process(self, process: Process, happen: Callable[[], None]) -> None:
        """Have `happen` called outside after a while, unless it gets lost."""
        if process.alive and not self._gets_lost(process):
            self.world.after(self._way(), happen)

    async def ask_store(
        self, process: Process, work: Callable[[], T], lost: Callable[[], Exception]
    ) -> T:
        """Do `work` at the store, once or not at all. Raises `lost()` when no answer comes."""
        answer: asyncio.Future[T] = process.loop.create_future()

        def arrive() -> None:
            if self.world.now < self.store_away_until:
                return
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - it is raised again at the caller
                failure = error
                self.to_process(process, lambda: _fail(answer, failure))
            else:
                self.to_process(process, lambda: _settle(answer, result))

        if process.alive:
            self.from_process(process, arrive)
        give_up = process.loop.call_later(SILENCE_SECONDS, lambda: _fail(answer, lost()))
        try:
            return await answer
        finally:
            give_up.cancel()

    def _gets_lost(self, process: Process) -> bool:
        return process.is_cut_off() or (self.loss > 0 and self.world.random.random() < self.loss)

    def _way(self) -> float:
        return self.world.random.expovariate(1 / self._delay)


class RemoteStore:
    """A store of this package's database, asked over the network as its real adapter would ask:
    each call is one transaction, repeated where the connection was lost, save those `once`."""

    def __init__(
        self,
        store: object,
        network: Network,
        process: Process,
        lost: Callable[[], Exception],
        *,
        once: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._network = network
        self._process = process
        self._lost = lost
        self._once = once

    def claims_kept_back(self) -> bool:
        """What a real adapter knows by itself; here nothing lies elsewhere."""
        return False

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._store, name)

        async def ask(*arguments: object, **named: object) -> Any:
            def work() -> Any:
                return at_once(method(*arguments, **named))

            def attempt() -> Coroutine[Any, Any, Any]:
                return self._network.ask_store(self._process, work, self._lost)

            if name in self._once:
                return await attempt()
            clock: Clock = self._process.clock
            return await retrying(STORE, attempt, clock=clock)

        return ask


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a store in memory waits for nothing")


def _settle(answer: "asyncio.Future[T]", result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[Any]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
