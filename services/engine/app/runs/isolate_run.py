"""Runs that workers died with, each in a process of its own: the next death is that run's alone."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.run_commands import TERMINAL_STATUSES
from libs.common.errors import HeddleError
from libs.common.identifiers import uuid7
from services.engine.app.ports.isolated_processes import IsolatedProcess, IsolatedProcesses
from services.engine.app.ports.run_store import Claim, RunStore
from services.engine.app.ports.worker_leases import WorkerLeases
from services.engine.app.runs.stopped import Stopped

_log = logging.getLogger(__name__)
_START_SECONDS = 60.0
_LEAVE_SECONDS = 5.0
_REST_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolationPorts:
    """What isolating runs takes."""

    runs: RunStore
    leases: WorkerLeases
    processes: IsolatedProcesses
    clock: Clock


class RunIsolation:
    """At most `places` processes side by side; more runs wait their turn. Every `look` seconds it
    looks whether a process still owns its run. `on_release` is awaited with runs handed back.

    A process is an incarnation of its own, with its own lease. The lease is there before the run
    is handed over, and ended here when the process is gone: so its death counts as a takeover,
    like any worker's, and is seen at once."""

    def __init__(
        self,
        worker: UUID,
        ports: IsolationPorts,
        *,
        places: int,
        look: float,
        on_release: Callable[[Sequence[Claim]], Awaitable[None]],
    ) -> None:
        self._worker = worker
        self._ports = ports
        self._look = look
        self._on_release = on_release
        self._places = asyncio.Semaphore(places)
        self._under_way: set[asyncio.Task[Stopped]] = set()

    async def carry(self, claim: Claim) -> Stopped:
        """Have the run carried, and wait until its process is gone.

        Cancelled, the process is told to leave and left to `close`. Raises Unavailable.
        """
        leave = asyncio.Event()
        task = asyncio.ensure_future(self._carried(claim, leave))
        self._under_way.add(task)
        task.add_done_callback(self._over)
        try:
            return await asyncio.shield(task)
        finally:
            leave.set()

    async def close(self) -> None:
        """Wait until every process that was told to leave is gone."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _over(self, task: asyncio.Task[Stopped]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("an isolated run was left: %s", error)

    async def _carried(self, claim: Claim, leave: asyncio.Event) -> Stopped:
        runs, leases = self._ports.runs, self._ports.leases
        async with self._places:
            if leave.is_set():
                return Stopped.LET_GO
            incarnation = uuid7()
            await leases.beat(incarnation, seconds=_START_SECONDS)
            handed = await runs.hand_over(self._worker, claim, to=incarnation)
            if handed is not None:
                death = await self._watched(incarnation, handed, leave)
                await self._settle(incarnation, handed, death)
            await leases.step_down(incarnation)
        record = await runs.find(claim.tenant_id, claim.run_id)
        return Stopped.ENDED if record.status in TERMINAL_STATUSES else Stopped.LOST

    async def _watched(self, incarnation: UUID, claim: Claim, leave: asyncio.Event) -> str | None:
        try:
            process = await self._ports.processes.start(incarnation, claim)
        except HeddleError as error:
            _log.warning("run %s waits for a process: %s", claim.run_id, error)
            await self._ports.clock.sleep(_REST_SECONDS)
            return None
        left = asyncio.ensure_future(leave.wait())
        try:
            return await self._until_gone(process, claim, left)
        finally:
            left.cancel()
            process.kill()

    async def _until_gone(
        self, process: IsolatedProcess, claim: Claim, left: "asyncio.Task[bool]"
    ) -> str | None:
        gone = asyncio.ensure_future(process.gone())
        owned = True
        while owned and not gone.done() and not left.done():
            await asyncio.wait(
                (gone, left), timeout=self._look, return_when=asyncio.FIRST_COMPLETED
            )
            # One that hangs cannot see that its lease ran out and its run is another's.
            owned = await self._owned(claim)
        process.leave()
        await asyncio.wait((gone,), timeout=_LEAVE_SECONDS)
        if gone.done():
            return gone.result()
        # Slow to leave is not dead: what we end ourselves is not held against the run.
        process.kill()
        await gone
        return None

    async def _owned(self, claim: Claim) -> bool:
        try:
            record = await self._ports.runs.find(claim.tenant_id, claim.run_id)
        except HeddleError:
            return True
        return record.epoch == claim.epoch and record.status == "running"

    async def _settle(self, incarnation: UUID, claim: Claim, death: str | None) -> None:
        if death is not None:
            _log.warning("the process of run %s %s", claim.run_id, death)
            await self._ports.runs.note_death(incarnation, claim, f"its own process {death}")
        elif await self._ports.runs.release(incarnation, [claim]):
            await self._on_release([claim])
