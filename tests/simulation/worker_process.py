"""One engine process of a round: the real engine over the simulated network."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast
from uuid import UUID

from libs.common.contracts.run_commands import (
    TERMINAL_STATUSES,
    AbortRun,
    AcceptRun,
    PauseRun,
    ResumeRun,
    RunOrder,
)
from libs.common.errors import Busy, HeddleError
from libs.common.messaging.bus import MessageBus
from services.engine.app.engine import Engine, EngineOptions, wire_engine
from services.engine.app.events.publish_events import EventPublisher
from services.engine.app.runs.carry_run import Suspicion
from services.engine.app.runs.hear_wakes import hear_wakes
from services.engine.app.worker import WorkerOptions
from services.engine.bootstrap import engine_layers
from services.engine.infra.command_channels.nats_channel import NatsCommandChannel
from services.engine.infra.live_messages import encode_live
from tests.simulation.bus import Exchange, ProcessBus
from tests.simulation.database import Database
from tests.simulation.world import Process, World
from tests.support.engine_nodes import TEST_CATALOGUE

_FIRST_TRY_AGAIN = 1.0


class WorkerProcess(Process):
    """Started at once; `ready` once it takes runs."""

    def __init__(
        self, world: World, database: Database, exchange: Exchange, options: WorkerOptions
    ) -> None:
        super().__init__(world)
        self.worker_id = world.new_id()
        self.ready = False
        self._database = database
        self._exchange = exchange
        self._options = options
        self._engine: Engine | None = None
        self.start(self._main)

    def accept(self, request: AcceptRun, answered: Callable[[], None]) -> None:
        """Ask it to accept a run; `answered` is called when the answer has come back."""
        self.start(lambda: self._accept(request, answered))

    def command(self, order: RunOrder, answered: Callable[[], None]) -> None:
        """Ask it to take a command to a run."""
        self.start(lambda: self._command(order, answered))

    def ring(self) -> None:
        """A doorbell rings here."""
        self.start(self._rung)

    def leave(self, gone: Callable[[], None]) -> None:
        """As on SIGTERM; `gone` is called at its end."""
        self.start(lambda: self._leave(gone))

    def drives(self, run_id: UUID) -> bool:
        return self._engine is not None and self._engine.worker.driver_of(run_id) is not None

    async def _main(self) -> None:
        stores, committer = self._database.stores_for(self, self.worker_id)
        bus = cast("MessageBus", ProcessBus(self._exchange, self, self.worker_id))
        options = EngineOptions(
            worker=self._options,
            # Nobody here kills by what a run does, so no run is ever blamed for good.
            suspicion=Suspicion(isolate_after=10**6, quarantine_after=10**6),
            snapshot_floor=500,
            catalogue=TEST_CATALOGUE,
        )
        channel = NatsCommandChannel(bus)
        self._engine = engine = wire_engine(
            self.worker_id,
            stores,
            bus,
            channel,
            options,
            clock=self.clock,
            layers=engine_layers(options),
            publisher=EventPublisher(bus, encode_live),
            on_end=lambda _: None,
        )
        self.spawn(committer.run())
        self.spawn(engine.publisher.run())
        while True:
            try:
                await engine.worker.start()
                break
            except HeddleError:
                await asyncio.sleep(_FIRST_TRY_AGAIN)
        self.ready = True
        self.spawn(hear_wakes(channel, engine.worker.nudge, self.clock))

    async def _accept(self, request: AcceptRun, answered: Callable[[], None]) -> None:
        assert self._engine is not None
        with contextlib.suppress(HeddleError):
            await self._engine.use_cases.accept.execute(request)
            self._exchange.network.from_process(self, answered)

    async def _command(self, order: RunOrder, answered: Callable[[], None]) -> None:
        assert self._engine is not None
        commands = self._engine.use_cases.command
        with contextlib.suppress(HeddleError):
            if isinstance(order, ResumeRun):
                told = await commands.resume(order)
            else:
                assert isinstance(order, AbortRun | PauseRun)
                told = await commands.send(order)
            if not told.accepted and told.run_status not in TERMINAL_STATUSES:
                return
            self._exchange.network.from_process(self, answered)

    async def _rung(self) -> None:
        assert self._engine is not None
        with contextlib.suppress(Busy):
            await self._engine.worker.looked()

    async def _leave(self, gone: Callable[[], None]) -> None:
        assert self._engine is not None
        await self._engine.worker.stop()
        self.world.after(0.0, gone)
