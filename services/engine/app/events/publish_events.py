"""Run events to whoever listens now."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_events import ReasoningDelta, TextDelta
from libs.common.contracts.subjects import run_live
from libs.common.errors import HeddleError
from libs.common.messaging.bus import MessageBus
from services.engine.app.ports.delta_tail import DeltaTail
from services.engine.domain.execution.public_events import ToldEvent

_log = logging.getLogger(__name__)
# Calls that the same commit cleared go first: their task begins in one turn of the loop, asks in
# the next, and what it asked leaves the client's buffer in the third.
_TURNS_OF_CALLS = 3
_MOST_WAITING = 100_000
_MOST_BEFORE_THOUGHTS = _MOST_WAITING // 10
# So that a message of ordinary events stays well below what must travel by reference.
_MOST_TOGETHER = 200
# The subject names the tenant, and a header would cost as much as the event.
_ENVELOPE = Envelope()

LiveEvent = ToldEvent | TextDelta | ReasoningDelta
EncodeLive = Callable[[UUID, Sequence[LiveEvent]], bytes]
"""Events of one run as a RunEventMessage."""


class LiveRun:
    """Where one run's events go; made once a run."""

    __slots__ = ("run_id", "subject", "tenant_id")

    def __init__(self, tenant_id: UUID, run_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.run_id = run_id
        self.subject = run_live(tenant_id, run_id)


class EventPublisher:
    """One writer for all runs of a worker: what a run publishes while the bus is busy goes out
    together, in its order.

    Live events are a convenience; the journal is the truth. So a bus that is away, or more than
    100,000 waiting events, costs readers a gap that they see and re-read, and never holds a run.
    What models think is dropped first: from 10,000 waiting events on. `published` counts what went
    out.
    """

    def __init__(self, bus: MessageBus, encode: EncodeLive, tail: DeltaTail | None = None) -> None:
        self._bus = bus
        self._encode = encode
        self._tail = tail
        self._waiting: dict[LiveRun, list[LiveEvent]] = {}
        self._count = 0
        self.published = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tails: dict[LiveRun, list[TextDelta]] = {}
        self._tail_wake = asyncio.Event()

    def publish(self, run: LiveRun, events: Sequence[LiveEvent]) -> None:
        """Never blocks. Committed events only after their commit."""
        if self._count >= _MOST_BEFORE_THOUGHTS:
            events = [event for event in events if type(event) is not ReasoningDelta]
            if not events or self._count >= _MOST_WAITING:
                return
        self._count += len(events)
        self._waiting.setdefault(run, []).extend(events)
        self._idle.clear()
        self._wake.set()

    @property
    def waiting(self) -> int:
        """Events that wait to be published."""
        return self._count

    async def flushed(self) -> None:
        """Wait until everything published so far is with the bus."""
        await self._idle.wait()

    async def run(self) -> None:
        """Publish until cancelled."""
        keeping = asyncio.ensure_future(self._keep_tails()) if self._tail is not None else None
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                for _ in range(_TURNS_OF_CALLS):
                    await asyncio.sleep(0)
                batch, self._waiting, self._count = self._waiting, {}, 0
                for run, events in batch.items():
                    await self._send(run, events)
                if not self._waiting:
                    self._idle.set()
        finally:
            if keeping is not None:
                keeping.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeping

    async def _send(self, run: LiveRun, events: list[LiveEvent]) -> None:
        try:
            for place in range(0, len(events), _MOST_TOGETHER):
                together = events[place : place + _MOST_TOGETHER]
                message = self._encode(run.run_id, together)
                await self._bus.broadcast(run.subject, message, envelope=_ENVELOPE)
                self.published += len(together)
        except HeddleError as error:
            _log.info("events of run %s were not published: %s", run.run_id, error)
            return
        except Exception:  # noqa: BLE001 - text that is no text must not silence the other runs
            _log.exception("events of run %s cannot be published", run.run_id)
            return
        if self._tail is None:
            return
        # Asking a model whether it has a dict for an instance takes longer than telling a class.
        deltas = [event for event in events if type(event) is TextDelta]
        if deltas and len(self._tails) < _MOST_WAITING:
            self._tails.setdefault(run, []).extend(deltas)
            self._tail_wake.set()

    async def _keep_tails(self) -> None:
        # Beside the publisher, so that a slow Redis never delays the live events.
        assert self._tail is not None
        while True:
            await self._tail_wake.wait()
            self._tail_wake.clear()
            batch, self._tails = self._tails, {}
            for run, deltas in batch.items():
                await self._tail.append(run.tenant_id, run.run_id, deltas)
