"""The message bus as one simulated process reaches it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.chat import ChatCallPart
from libs.common.contracts.code_execution import CodeCall
from libs.common.contracts.envelope import Effect, Envelope
from libs.common.contracts.keyed_calls import CallCancelled, CancelCall
from libs.common.contracts.run_commands import Doorbell
from libs.common.contracts.run_events import RunEventMessage
from libs.common.contracts.subjects import Broadcast, DurableSubject, StreamSubject, Subject
from libs.common.errors import HeddleError, UpstreamTimeout
from libs.common.messaging.in_memory_broadcasts import InMemoryListener
from libs.common.messaging.wire_format import request_of, to_bytes
from services.engine.infra.in_memory.engine_state import EngineState
from tests.simulation.audit import Audit
from tests.simulation.callee import Callee
from tests.simulation.network import Network
from tests.simulation.workload import TENANT
from tests.simulation.world import Process

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)


class Exchange:
    """What the buses of a round share: the callee, the readers' ears, and who hears wake-ups.
    `ring` is told of every doorbell."""

    def __init__(
        self,
        network: Network,
        audit: Audit,
        callee: Callee,
        state: EngineState,
        *,
        ring: Callable[[], None],
    ) -> None:
        self.network = network
        self.audit = audit
        self.callee = callee
        self.state = state
        self.ring = ring
        self.ears: dict[Process, list[InMemoryListener[Any]]] = {}

    def sent(self, effect: Effect, worker: UUID) -> None:
        """`worker` sends an effect."""
        row = self.state.runs[TENANT, effect.run_id]
        self.audit.sent(
            effect, leased=self.state.is_alive(worker), current=row.epoch == effect.epoch
        )


class ProcessBus:
    """Implements what an engine uses of MessageBus; `worker` is who sends."""

    def __init__(self, exchange: Exchange, process: Process, worker: UUID) -> None:
        self._exchange = exchange
        self._network = exchange.network
        self._process = process
        self._worker = worker

    async def request(
        self,
        subject: Subject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
    ) -> Rep:
        asked = request_of(subject.request, message) if isinstance(message, bytes) else message
        loop = self._process.loop
        reply: asyncio.Future[Any] = loop.create_future()

        def settle(outcome: BaseModel | HeddleError) -> None:
            if reply.done():
                return
            if isinstance(outcome, HeddleError):
                reply.set_exception(outcome)
            else:
                reply.set_result(outcome)

        def answer(outcome: BaseModel | HeddleError) -> None:
            self._network.to_process(self._process, lambda: settle(outcome))

        self._network.from_process(self._process, lambda: self._serve(asked, envelope, answer))
        if isinstance(asked, CodeCall):
            self._sent(envelope)
        try:
            async with asyncio.timeout(timeout):
                return cast("Rep", await reply)
        except TimeoutError:
            raise UpstreamTimeout("no answer in time", retryable=True) from None

    async def stream(
        self,
        subject: StreamSubject[Req, Rep],
        message: Req | bytes,
        *,
        envelope: Envelope,
        timeout: float,
        idle_timeout: float,
    ) -> AsyncGenerator[Rep, None]:
        effect = self._sent(envelope)
        heard: asyncio.Queue[tuple[int, ChatCallPart | HeddleError]] = asyncio.Queue()
        numbers = iter(range(1_000_000))

        def tell(what: ChatCallPart | HeddleError) -> None:
            number = next(numbers)
            self._network.to_process(self._process, lambda: heard.put_nowait((number, what)))

        self._network.from_process(
            self._process, lambda: self._exchange.callee.chat(effect, tell, tell)
        )
        waiting: dict[int, ChatCallPart | HeddleError] = {}
        wanted = 0
        try:
            async with asyncio.timeout(timeout):
                while True:
                    while wanted not in waiting:
                        async with asyncio.timeout(idle_timeout):
                            number, what = await heard.get()
                        waiting[number] = what
                    part = waiting.pop(wanted)
                    wanted += 1
                    if isinstance(part, HeddleError):
                        raise part
                    yield cast("Rep", part)
        except TimeoutError:
            raise UpstreamTimeout("silence", retryable=True) from None

    async def broadcast(self, subject: Broadcast[M], message: M, *, envelope: Envelope) -> None:
        if isinstance(message, RunEventMessage):
            self._exchange.audit.published(message.run_id, message.events)
            return
        assert isinstance(message, Doorbell)
        body = to_bytes(message)
        self._network.from_process(self._process, lambda: self._wake(message.run_id, body))

    @asynccontextmanager
    async def listen(
        self, subject: Broadcast[M], *, limit: int = 10_000
    ) -> AsyncGenerator[InMemoryListener[M]]:
        listener = InMemoryListener(subject.message, limit)
        ears = self._exchange.ears.setdefault(self._process, [])
        ears.append(listener)
        try:
            yield listener
        finally:
            ears.remove(listener)

    async def enqueue(
        self, subject: DurableSubject[M], message: M, *, envelope: Envelope, message_id: str
    ) -> None:
        assert isinstance(message, Doorbell)
        self._network.from_process(self._process, self._exchange.ring)

    async def serve(self, *_: object, **__: object) -> None:
        raise NotImplementedError

    async def serve_stream(self, *_: object, **__: object) -> None:
        raise NotImplementedError

    async def consume(self, *_: object, **__: object) -> None:
        raise NotImplementedError

    def _wake(self, run_id: UUID, body: bytes) -> None:
        # Everybody listens, and it is without effect where the run is not driven.
        for process, ears in self._exchange.ears.items():
            if process.drives(run_id):
                for ear in ears:
                    self._network.to_process(process, lambda heard=ear.hear: heard(body))

    def _serve(self, message: BaseModel, envelope: Envelope, answer: Callable[[Any], None]) -> None:
        callee = self._exchange.callee
        if isinstance(message, CodeCall):
            assert envelope.effect is not None
            callee.run_code(envelope.effect, message.code, answer)
        elif isinstance(message, CancelCall):
            callee.cancel(message.run_id, message.key, message.epoch)
            answer(CallCancelled(found=True))
        else:
            raise NotImplementedError(type(message).__name__)

    def _sent(self, envelope: Envelope) -> Effect:
        assert envelope.effect is not None
        self._exchange.sent(envelope.effect, self._worker)
        return envelope.effect
