"""One run in a process of its own: what a worker does for many, done for one."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from libs.common.clock import Clock
from libs.common.errors import HeddleError
from services.engine.app.ports.command_channel import CommandChannel
from services.engine.app.ports.command_store import CommandStore
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.carry_run import RunCarrier, SteeredRun
from services.engine.app.runs.drain_commands import drain_commands
from services.engine.app.runs.keep_lease import LeaseKeeper
from services.engine.app.runs.stopped import Stopped

_log = logging.getLogger(__name__)
_HAND_BACK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LonePorts:
    """What carrying one run alone takes."""

    carrier: RunCarrier
    commands: CommandStore
    lease: LeaseKeeper
    channel: CommandChannel
    clock: Clock


class LoneRun:
    """`claim` is owned by this process's incarnation already. Every `look` seconds it looks for
    commands whose wake-up got lost."""

    def __init__(self, claim: Claim, ports: LonePorts, *, look: float) -> None:
        self._claim = claim
        self._ports = ports
        self._look = look
        self._driver: SteeredRun | None = None

    async def carry(self, leave: asyncio.Event) -> Stopped:
        """Drive the run until it ends, is lost or set aside, or until `leave` is set, also by a
        lapse of the lease. Whoever started us hands back what is left. Raises Unavailable."""
        lease = self._ports.lease
        lease.watch(on_lapse=leave.set, on_return=lambda: None)
        await lease.beat()
        beside = [asyncio.ensure_future(lease.run()), asyncio.ensure_future(self._hear())]
        carrying = asyncio.ensure_future(self._ports.carrier.carry(self._claim, self._started))
        leaving = asyncio.ensure_future(leave.wait())
        try:
            await asyncio.wait((carrying, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not carrying.done():
                await self._let_go(carrying)
                await asyncio.wait((carrying,))
            return Stopped.LET_GO if carrying.cancelled() else carrying.result()
        finally:
            leaving.cancel()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    def _started(self, driver: SteeredRun) -> None:
        self._driver = driver

    async def _let_go(self, carrying: "asyncio.Task[Stopped]") -> None:
        if self._driver is None:
            carrying.cancel()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HAND_BACK_SECONDS):
                await self._driver.hand_back()
        self._driver.let_go()

    async def _hear(self) -> None:
        while True:
            try:
                async with self._ports.channel.heard(self._claim.run_id) as wakes:
                    while True:
                        await wakes.next(timeout=self._look)
                        await self._drain()
            except HeddleError as error:
                _log.info("wake-ups of run %s were missed: %s", self._claim.run_id, error)
                await self._ports.clock.sleep(self._look)
                await self._drain()

    async def _drain(self) -> None:
        driver, claim = self._driver, self._claim
        if driver is None:
            return
        try:
            await drain_commands(self._ports.commands, claim, driver)
        except HeddleError as error:
            _log.warning("commands of run %s wait: %s", claim.run_id, error)
