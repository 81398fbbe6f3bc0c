"""Several processes of a service over one ledger, with an upstream that the test plays."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.contracts.envelope import Effect, EffectClass
from libs.common.errors import HeddleError, Unavailable
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.call_parts import CallNotHere
from libs.common.keyed_calls.in_memory_ledger import InMemoryLedger, SharedRecords
from libs.common.keyed_calls.keyed_calls import KeyedCalls
from libs.common.keyed_calls.ledger import Claimed, ClaimOutcome, EndStatus
from tests.support.manual_clock import ManualClock

TENANT = UUID(int=7)
RUN = UUID(int=8)
MOST_PARTS = 200
MOST_BYTES = 1_000
MOST_CALLS = 40


def effect(key: str = "a", effect_class: EffectClass = "model", epoch: int = 1) -> Effect:
    return Effect(run_id=RUN, epoch=epoch, key=key, request_hash="h", effect_class=effect_class)


class Words:
    """Parts are words; the one with a full stop is final."""

    def is_final(self, part: str) -> bool:
        return part.endswith(".")

    def size(self, part: str) -> int:
        return len(part.encode())

    def encode(self, part: str) -> bytes:
        return part.encode()

    def decode(self, payload: bytes) -> str:
        return payload.decode()


class Upstream:
    """One upstream call: it brings what the test sends, and tells how it ended."""

    def __init__(self) -> None:
        self._script: asyncio.Queue[str | BaseException] = asyncio.Queue()
        self.closed = False

    def send(self, *words: str | BaseException) -> None:
        for word in words:
            self._script.put_nowait(word)

    async def parts(self) -> AsyncGenerator[str]:
        try:
            while True:
                word = await self._script.get()
                if isinstance(word, BaseException):
                    raise word
                yield word
        finally:
            self.closed = True


class CutLedger(InMemoryLedger):
    """A ledger whose way may be cut; `lose_answers` of claims commits them all the same, and the
    next claim's answer takes `late` seconds. `claims` counts them."""

    cut = False
    lose_answers = 0
    late = 0.0
    claims = 0

    async def claim(self, tenant_id: UUID, effect: Effect, *, repeatable: bool) -> ClaimOutcome:
        self._need()
        outcome = await super().claim(tenant_id, effect, repeatable=repeatable)
        # Answers may overtake each other, and others may act between a commit and its answer.
        for _ in range(5 if isinstance(outcome, Claimed) else 1):
            await asyncio.sleep(0)
        self.claims += 1
        if self.late:
            late, self.late = self.late, 0.0
            await self._clock.sleep(late)
        if self.lose_answers:
            self.lose_answers -= 1
            raise Unavailable("the answer was lost")
        return outcome

    async def record(
        self, tenant_id: UUID, key: str, claim_number: int, status: EndStatus, payload: bytes
    ) -> bool:
        self._need()
        return await super().record(tenant_id, key, claim_number, status, payload)

    async def beat(self) -> None:
        self._need()
        await super().beat()

    def _need(self) -> None:
        if self.cut:
            raise Unavailable("the way to the database is cut")


@dataclass(slots=True)
class Process:
    ledger: CutLedger
    calls: KeyedCalls[str]
    stack: AsyncExitStack
    reachable: bool = True


@dataclass(slots=True)
class World:
    """Upstream calls stand in `upstreams` by key, oldest first; `repeats` counts the metric."""

    clock: ManualClock = field(default_factory=ManualClock)
    records: SharedRecords = field(default_factory=SharedRecords)
    processes: dict[UUID, Process] = field(default_factory=dict[UUID, Process])
    upstreams: dict[str, list[Upstream]] = field(default_factory=dict[str, list[Upstream]])
    repeats: list[str] = field(default_factory=list[str])

    async def start(self) -> Process:
        ledger = CutLedger(self.records, holder=uuid7(), clock=self.clock)
        calls = KeyedCalls[str](
            ledger,
            Words(),
            Direct(self),
            clock=self.clock,
            on_repeat=lambda effect: self.repeats.append(effect.key),
            most_calls=MOST_CALLS,
            most_parts=MOST_PARTS,
            most_bytes=MOST_BYTES,
        )
        stack = AsyncExitStack()
        await stack.enter_async_context(calls.running(drain=0.0))
        process = Process(ledger, calls, stack)
        self.processes[ledger.holder] = process
        return process

    def upstream(self, key: str) -> AsyncIterator[str]:
        call = Upstream()
        self.upstreams.setdefault(key, []).append(call)
        return call.parts()

    def read(
        self,
        process: Process,
        wanted: Effect,
        *,
        timeout: float = 60.0,
        keyed: bool = False,
        tenant: UUID = TENANT,
    ) -> "Reader":
        parts = process.calls.open(
            tenant,
            wanted,
            lambda: self.upstream(wanted.key),
            timeout=timeout,
            upstream_keyed=keyed,
        )
        return Reader(parts)

    async def freeze(self, process: Process) -> None:
        """The process reaches nobody and nobody reaches it, for longer than its lease."""
        process.ledger.cut = True
        process.reachable = False
        await self.clock.advance(11)

    async def close(self) -> None:
        for process in self.processes.values():
            process.ledger.cut = False
            await process.stack.aclose()


class Reader:
    """Reads in the background; `words` so far, then `error` or done."""

    def __init__(self, parts: AsyncGenerator[str]) -> None:
        self.words: list[str] = []
        self.error: HeddleError | None = None
        self._parts = parts
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for word in self._parts:
                self.words.append(word)
        except HeddleError as error:
            self.error = error

    async def go_away(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,))
        await self._parts.aclose()

    async def end(self) -> list[str]:
        async with asyncio.timeout(5):
            await self.task
        return self.words


class Direct:
    """Neighbours in the same memory."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def attach(
        self,
        holder: UUID,
        tenant_id: UUID,
        key: str,
        claim_number: int,
        *,
        sealed_run: UUID | None = None,
    ) -> AsyncGenerator[str]:
        async for word in self._reach(holder).attach(tenant_id, key, claim_number):
            self._reach(holder)
            yield word

    async def cancel(
        self, holder: UUID, tenant_id: UUID, run_id: UUID, key: str, epoch: int
    ) -> None:
        await self._reach(holder).cancel(tenant_id, run_id, key, epoch)

    def _reach(self, holder: UUID) -> KeyedCalls[str]:
        process = self._world.processes.get(holder)
        if process is None:
            raise CallNotHere("no such process")
        if not process.reachable:
            raise Unavailable("nobody answers at the holder's subject")
        return process.calls
