"""One claim from its first read to its last word."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from services.engine.app.conversations.remembered import with_memory
from services.engine.app.errors import JournalUnreadable, WorkflowUnknown
from services.engine.app.ports.command_store import CommandStore, StoredCommand
from services.engine.app.ports.conversation_store import ConversationStore
from services.engine.app.ports.environment_secrets import EnvironmentSecrets
from services.engine.app.ports.journal_store import JournalReader
from services.engine.app.ports.parking_store import Parked, ParkingStore
from services.engine.app.ports.run_store import Claim, RunStore
from services.engine.app.ports.snapshot_store import SnapshotStore
from services.engine.app.runs.await_secrets import AwaitedSecrets
from services.engine.app.runs.drive_run import RunDriver
from services.engine.app.runs.driver_ports import DriverPorts
from services.engine.app.runs.run_history import RunHistory, shortest_history, whole_history
from services.engine.app.runs.run_opening import has_opening, opening_of
from services.engine.app.runs.run_secrets import NO_SECRETS, RunSecrets, secrets_of
from services.engine.app.runs.stopped import Stopped
from services.engine.app.workflows.compiled_workflows import CompiledWorkflows
from services.engine.domain.events.journal import SEMANTICS_VERSION
from services.engine.domain.execution.opening import Opening

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierPorts:
    """What carrying runs takes."""

    runs: RunStore
    journal: JournalReader
    snapshots: SnapshotStore
    commands: CommandStore
    conversations: ConversationStore
    parking: ParkingStore
    workflows: CompiledWorkflows
    secrets: EnvironmentSecrets
    drivers: DriverPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Takeovers without progress that a run may have: above `isolate_after` it is carried apart
    from the others, above `quarantine_after` it is set aside. Whoever drove it died."""

    isolate_after: int = 2
    quarantine_after: int = 5


class SteeredRun(Protocol):
    """A run under one claim, as long as it is here."""

    def obey(self, command: StoredCommand) -> None:
        """Take a stored command; the same again changes nothing."""
        ...

    def carried_out(self) -> Sequence[UUID]:
        """Commands obeyed so far, once everything that came of them is durable."""
        ...

    async def hand_back(self) -> None:
        """Return once everything said so far is in the journal."""
        ...

    def let_go(self) -> None:
        """Stop at once."""
        ...


Started = Callable[[SteeredRun], None]


class RunCarrier:
    """`apart` carries the runs that are to be isolated; None: they are carried like any other."""

    def __init__(
        self,
        worker: UUID,
        ports: CarrierPorts,
        suspicion: Suspicion,
        *,
        apart: Callable[[Claim], Awaitable[Stopped]] | None,
    ) -> None:
        self._worker = worker
        self._ports = ports
        self._suspicion = suspicion
        self._apart = apart

    async def carry(self, claim: Claim, started: Started) -> Stopped:
        """Drive the run, and park it when nothing of it is under way. `started` gets whatever takes
        its commands now, the last time its driver before the first step, if it is driven here.

        Raises Unavailable when the store, or who keeps its secrets, was away before the run could
        be driven or set aside; the run is then ours and not driven.
        """
        if claim.takeovers > self._suspicion.quarantine_after:
            return await self._set_aside(claim, "quarantined", await self._deaths(claim))
        if self._apart is not None and claim.takeovers > self._suspicion.isolate_after:
            return await self._apart(claim)
        try:
            return await self._carried(claim, started)
        except (WorkflowUnknown, JournalUnreadable) as error:
            return await self._set_aside(claim, "incompatible", error.message)

    async def _carried(self, claim: Claim, started: Started) -> Stopped:
        workflow = await self._ports.workflows.get(claim.tenant_id, claim.request.workflow_hash)
        compiled = workflow.compiled.begun_with(claim.request.root)
        if compiled is None:
            raise WorkflowUnknown(f"No run can begin with the node {claim.request.root!r}.")
        history = await self._history(claim)
        if history.empty and has_opening(claim):
            history = RunHistory(opening=await self._opening(claim))
        if (version := _semantics(history)) != SEMANTICS_VERSION:
            evidence = f"journal of semantics version {version}, this is {SEMANTICS_VERSION}"
            return await self._set_aside(claim, "incompatible", evidence)
        secrets = await self._secrets(claim, started)
        if secrets is None:
            return Stopped.LET_GO
        if history.empty:
            claim = await with_memory(claim, compiled, self._ports.conversations)
        commands = () if claim.fresh else await self._commands(claim)

        async def drive(
            history: RunHistory,
            commands: Sequence[StoredCommand] = (),
            *,
            failure: str | None = None,
        ) -> tuple[Stopped, RunDriver]:
            driver = RunDriver(claim, compiled, workflow.labels, self._ports.drivers, secrets)
            started(driver)
            stopped = await driver.drive(history, commands, failure=failure)
            if stopped is Stopped.MISLED:
                _log.warning("run %s is folded from its start", claim.run_id)
                whole = await whole_history(claim, self._ports.journal)
                return await drive(whole, commands, failure=failure)
            return stopped, driver

        stopped, driver = await drive(history, commands)
        while stopped is Stopped.RESTING:
            stopped = await self._parked(claim, driver)
            if stopped is Stopped.RESTING:
                # Something was sent meanwhile.
                stopped, driver = await drive(
                    await self._stored(claim), await self._commands(claim)
                )
        if stopped is Stopped.UNFIT:
            # What did not fit is in this driver's state and not in the journal: another one folds
            # what is there, and ends the run.
            stopped, driver = await drive(await self._stored(claim), failure=driver.evidence)
        return await self._settled(claim, stopped, driver.evidence)

    async def _parked(self, claim: Claim, driver: RunDriver) -> Stopped:
        """RESTING when it was not: it has commands."""
        found = await self._ports.parking.park(
            self._worker, claim, driver.rests or (), driver.carried_out()
        )
        match found:
            case Parked.PARKED:
                return Stopped.PARKED
            case Parked.COMMANDED:
                return Stopped.RESTING
            case Parked.LOST:
                return Stopped.LOST

    async def _secrets(self, claim: Claim, started: Started) -> RunSecrets | None:
        if not claim.request.has_secrets:
            return NO_SECRETS
        awaited = AwaitedSecrets()
        started(awaited)
        for command in () if claim.fresh else await self._commands(claim):
            awaited.obey(command)
        return await awaited.until(secrets_of(self._ports.secrets, claim.request))

    async def _commands(self, claim: Claim) -> Sequence[StoredCommand]:
        return await self._ports.commands.undrained(claim.tenant_id, claim.run_id)

    async def _settled(self, claim: Claim, stopped: Stopped, evidence: str) -> Stopped:
        match stopped:
            case Stopped.INCOMPATIBLE:
                return await self._set_aside(claim, "incompatible", evidence)
            case Stopped.FAULT | Stopped.UNFIT:
                return await self._set_aside(claim, "quarantined", evidence)
            case _:
                return stopped

    async def _opening(self, claim: Claim) -> Opening:
        now = self._ports.drivers.clock.time()
        return await opening_of(claim, self._ports.journal, now=now)

    async def _history(self, claim: Claim) -> RunHistory:
        # Epoch 1 is the first owner: there is nothing to read.
        return RunHistory() if claim.epoch == 1 else await self._stored(claim)

    async def _stored(self, claim: Claim) -> RunHistory:
        return await shortest_history(claim, self._ports.journal, self._ports.snapshots)

    async def _deaths(self, claim: Claim) -> str:
        count = f"{claim.takeovers} workers died with this run since its last progress"
        last = (await self._ports.runs.find(claim.tenant_id, claim.run_id)).evidence
        return f"{count}; {last}" if last else count

    async def _set_aside(
        self, claim: Claim, status: Literal["quarantined", "incompatible"], evidence: str
    ) -> Stopped:
        done = await self._ports.runs.set_aside(self._worker, claim, status, evidence)
        return Stopped.FAULT if done else Stopped.LOST


def _semantics(history: RunHistory) -> int:
    return SEMANTICS_VERSION if history.started is None else history.started.semantics_version
