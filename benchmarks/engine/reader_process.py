"""A reader of every run's live events, in a process of its own.

    python -m benchmarks.engine.reader_process NATS_URL OBJECT_STORE_URL

Prints `ready` once it listens, and answers AUDIT until it is terminated.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections import defaultdict
from uuid import UUID

import uvloop

from benchmarks.engine.audit import AUDIT, AuditAnswer, AuditQuestion, SeenRun
from libs.common.clock import SystemClock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.run_events import RunEventMessage
from libs.common.contracts.subjects import CELL, Broadcast
from libs.common.identifiers import uuid7
from libs.common.messaging.bus import Listener
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store

_EVERY_RUN = Broadcast(f"engine.run.{CELL}.*.*.*.live", RunEventMessage)
_PATIENCE_SECONDS = 20.0
_LOW_PRIORITY = 10


class Reader:
    """What was heard, by run. It is heard as it comes and looked at when an audit asks, so that
    judging takes nothing from what is measured."""

    def __init__(self, listener: Listener[RunEventMessage]) -> None:
        self._listener = listener
        self._runs: defaultdict[UUID, SeenRun] = defaultdict(SeenRun)

    async def audit(self, question: AuditQuestion, _envelope: Envelope) -> AuditAnswer:
        """Wait for the ends of the runs, then judge and forget them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not all(self._runs[run_id].over for run_id in question.nodes):
                    await self._look()
        found = {
            run_id: self._runs.pop(run_id).complaint(nodes)
            for run_id, nodes in question.nodes.items()
        }
        return AuditAnswer(complaints=[f"{run_id}: {why}" for run_id, why in found.items() if why])

    async def _look(self) -> None:
        message = await self._listener.next(timeout=_PATIENCE_SECONDS)
        if message is not None:
            run = self._runs[message.run_id]
            for event in message.events:
                run.take(event)


async def main() -> None:
    nats_url, object_store_url = sys.argv[1:3]
    bus = NatsBus(
        nats_url,
        name="bench-reader",
        object_store=open_object_store(object_store_url),
        instance=str(uuid7()),
        clock=SystemClock(),
    )
    await bus.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with bus.listen(_EVERY_RUN, limit=1_000_000) as listener:
        await bus.serve(AUDIT, Reader(listener).audit)
        print("ready", flush=True)
        await stop.wait()
    await bus.close()


if __name__ == "__main__":
    # It shares its core with the servers and the callee; a real reader has a machine of its own.
    os.nice(_LOW_PRIORITY)
    uvloop.run(main())
