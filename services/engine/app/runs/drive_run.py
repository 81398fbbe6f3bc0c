"""Driving one run: the pure machine inside, the world outside, the journal between them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from libs.common.contracts.chat import ChatPart
from libs.common.contracts.run_commands import AbortRun, PauseRun
from services.engine.app.effects.child_runs import ChildEvents, ChildRuns
from services.engine.app.effects.open_forms import FormEvents, FormOpener
from services.engine.app.observing.observed_run import observed_run
from services.engine.app.ports.command_store import StoredCommand
from services.engine.app.ports.journal_store import Append, Verdict
from services.engine.app.ports.run_store import Claim
from services.engine.app.runs.cut_snapshots import SnapshotCutter
from services.engine.app.runs.driver_ports import DriverPorts
from services.engine.app.runs.fold_history import Misled, fold_history, judged
from services.engine.app.runs.long_steps import LongSteps
from services.engine.app.runs.outstanding_appends import OutstandingAppends
from services.engine.app.runs.pending_pause import pending_abort, pending_pause
from services.engine.app.runs.run_history import RunHistory
from services.engine.app.runs.run_outcome import note_end, run_ended
from services.engine.app.runs.run_outputs import RunOutputs
from services.engine.app.runs.run_secrets import NO_SECRETS, RunSecrets
from services.engine.app.runs.run_started import run_started
from services.engine.app.runs.run_timers import RunTimers
from services.engine.app.runs.stopped import Stopped
from services.engine.app.runs.told_relatives import told_children, told_parent
from services.engine.app.runs.told_steps import ToldSteps
from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.opening import Opening
from services.engine.domain.execution.run_machine import RunMachine
from services.engine.domain.execution.run_snapshot import RunSnapshot
from services.engine.domain.execution.step import Abort, Step, Timer
from services.engine.domain.graph.node_labels import NodeLabel
from services.engine.domain.layers.layer_stack import Listeners
from services.engine.domain.node_parts.effects import EffectError, EffectResult

_log = logging.getLogger(__name__)

_COMPLETIONS = (
    journal.EffectCompleted,
    journal.EffectFailed,
    journal.NodeSucceeded,
    journal.NodeFailed,
)


class RunDriver:
    """One run under one claim. Everything happens on the loop, in the order it arrives; nothing
    waits for the journal but what the world can see: dispatches, committed events, and deltas that
    stand on events not yet durable. `rests` not None: nothing is under way, and these are the
    timers that a parked run would wait for."""

    def __init__(
        self,
        claim: Claim,
        workflow: CompiledWorkflow,
        labels: dict[str, NodeLabel],
        ports: DriverPorts,
        secrets: RunSecrets = NO_SECRETS,
    ) -> None:
        self.claim = claim
        self.evidence = ""
        self.rests: list[Timer] | None = None
        self._obeyed: list[UUID] = []
        self._pause: PauseRun | None = None
        self._told_all = False
        self._ports = ports
        self._secrets = secrets
        self._refused = _abort(secrets.abort) if secrets.abort else secrets.missing
        observed = observed_run(claim, labels, secrets.mask)
        self._listeners = ports.layers.listeners(observed)
        self._machine = RunMachine(
            workflow,
            tenant_id=claim.tenant_id,
            run_id=claim.run_id,
            secrets=secrets.values,
            guards=ports.layers.guards(observed),
        )
        self._told = ToldSteps(claim.run_id, labels, secrets.mask)
        self._over: asyncio.Future[Stopped] = asyncio.get_running_loop().create_future()
        self._next_seq = 1
        self._started_at = 0.0
        self._finished = False
        self._handing_back: asyncio.Future[None] | None = None
        self._suspect = claim.takeovers > 0
        self._outstanding = OutstandingAppends(claim, ports.journal, self._settled)
        self._long = LongSteps(self._outstanding, lambda: self._guarded(self._go_on))
        self._children = ChildRuns(
            claim,
            ports.children,
            ChildEvents(
                left=lambda: self._machine.left(ports.clock.now().timestamp()),
                accepted=self._child_accepted,
                refused=self._child_refused,
                lost=self.superseded,
                defect=self._defect,
            ),
        )
        told = FormEvents(opened=self._form_opened, lost=self.superseded, defect=self._defect)
        self._outputs = RunOutputs(
            claim,
            ports.publisher,
            ports.effects,
            FormOpener(claim, ports.forms, ports.clock, mask=secrets.mask, events=told),
            self._children,
            sink=self,
            on_defect=self._defect,
        )
        self._timers = RunTimers(ports.timers, self._due)
        self._cutter = SnapshotCutter(
            claim, ports.snapshots, self._snapshot, floor=ports.snapshot_floor
        )

    @property
    def last_public_seq(self) -> int:
        """The newest committed public event."""
        return self._outputs.last_seq

    async def drive(
        self,
        history: RunHistory,
        commands: Sequence[StoredCommand] = (),
        *,
        failure: str | None = None,
    ) -> Stopped:
        """Run to the end, or until at rest, lost or let go. `history` is what is stored of it,
        `commands` what was sent to it while nobody drove it. With a `failure` nothing more is
        executed: the run ends as failed with it."""
        self._refused = failure or self._refused
        self._pause = pending_pause(commands)
        try:
            if history.empty:
                if (abort := pending_abort(commands)) is not None:
                    self._refused = self._refused or _abort(abort)
                self._guarded(lambda now: self._begin(history.opening, now))
            else:
                self._guarded(lambda now: self._fold(history, now))
            for command in commands:
                self.obey(command)
            self._told_all = True
            self._rest()
            return await asyncio.shield(self._over)
        finally:
            self.let_go()
            await self._outputs.closed()
            await self._cutter.closed()
            # The driver and its parts know each other; without this a finished run would stay
            # until the collector comes, which then finds hundreds of them at once.
            del self._machine, self._told

    def let_go(self) -> None:
        """Stop at once; what is not durable was never said to anybody."""
        self._stop(Stopped.LET_GO)

    async def hand_back(self) -> None:
        """Take nothing more in, and return once everything said so far is in the journal."""
        if self._handing_back is None:
            self._handing_back = asyncio.get_running_loop().create_future()
        self._outputs.close()
        self._cutter.close()
        if self._outstanding.newest is not None and not self._over.done():
            await asyncio.wait(
                (self._handing_back, self._over), return_when=asyncio.FIRST_COMPLETED
            )

    def obey(self, command: StoredCommand) -> None:
        """Apply a stored command; one that was applied before changes nothing."""

        def obeyed(now: float) -> Step:
            self._obeyed.append(command.command_id)
            return self._machine.obey(command, now)

        self._guarded(obeyed)

    def carried_out(self) -> Sequence[UUID]:
        """Commands obeyed so far, once everything that came of them is in the journal."""
        return () if self._outstanding.newest is not None else self._obeyed

    # What effects report (EffectSink).

    def parts(self, key: str, parts: Sequence[ChatPart]) -> None:
        if self._outputs.awaits(key):
            self._guarded(lambda now: self._machine.parts(key, parts, now))

    def complete(self, key: str, result: EffectResult) -> None:
        if self._outputs.answered(key):
            self._guarded(lambda now: self._machine.complete(key, result, now))

    def fail(self, key: str, error: EffectError, *, definite: bool) -> None:
        if self._outputs.answered(key):
            self._guarded(lambda now: self._machine.fail(key, error, definite=definite, now=now))

    def superseded(self, reason: str) -> None:
        _log.warning("run %s is no longer ours: %s", self.claim.run_id, reason)
        self._stop(Stopped.LOST)

    def _form_opened(self, key: str) -> None:
        self._guarded(lambda now: self._machine.form_opened(key, now))

    def _child_accepted(self, key: str) -> None:
        self._guarded(lambda now: self._machine.child_started(key, now))

    def _child_refused(self, key: str, error: EffectError) -> None:
        self._guarded(lambda now: self._machine.fail(key, error, definite=True, now=now))

    # The machine's steps.

    def _begin(self, opening: Opening, now: float) -> Step:
        self._started_at = now
        started = run_started(
            self.claim.request,
            now=now,
            pins=opening.pins,
            variable_bytes=self._ports.variable_bytes,
        )
        return self._machine.begin(
            started, opening=opening, refused=self._refused, pause=self._pause
        )

    def _fold(self, history: RunHistory, now: float) -> Step:
        try:
            return self._folded(history, now)
        except Exception as error:
            if history.snapshot is None:
                raise
            raise Misled from error

    def _folded(self, history: RunHistory, now: float) -> Step:
        if history.started is not None:
            self._started_at = history.started.at
        self._next_seq = fold_history(self._machine, self._told, history)
        self._cutter.folded(len(history.entries))
        self._outputs.last_seq = self._told.last_seq
        return self._machine.resume(now, refused=self._refused, pause=self._pause)

    def _guarded(self, advance: Callable[[float], Step]) -> None:
        if self._over.done() or self._finished or self._handing_back is not None:
            return
        try:
            now = self._ports.clock.time()
            self._take(advance(now), now)
        except Exception as error:  # noqa: BLE001 - see _defect
            self._defect(error)

    def _defect(self, error: BaseException) -> None:
        # Every worker would meet a defect in pure code: the run is set aside with its evidence, and
        # its neighbours go on. The error's words may quote a secret, and a traceback repeats them.
        why, evidence = judged(error)
        self.evidence = self._shown(evidence)
        if why is Stopped.FAULT:
            traceback = error if self._secrets.mask is None else None
            _log.error("run %s cannot go on", self.claim.run_id, exc_info=traceback)
        self._stop(why)

    def _take(self, step: Step, now: float) -> None:
        for timer in step.timers:
            self._timers.schedule(timer, now)
        if step.unsettled:
            self._long.left()
        if step.events or step.rests is not None:
            self.rests = step.rests
        if step.events:
            self._record(step)
            return
        self._outputs.prepare(step)
        if (newest := self._outstanding.newest) is not None:
            newest.steps.append(step)
        else:
            self._tell([step])
            self._rest()

    def _go_on(self, now: float) -> Step:
        return self._machine.go_on(now)

    def _rest(self) -> None:
        """Stop when everything is said and nothing is under way: whoever carries the run parks
        it."""
        busy = self._outstanding.newest is not None or not self._told_all or self._finished
        if self.rests is not None and not busy and self._handing_back is None:
            self._stop(Stopped.RESTING)

    def _record(self, step: Step) -> None:
        opened = self._outstanding.open_at(self._next_seq)
        opened.add(self._next_seq, step)
        self._next_seq += len(step.events)
        append = opened.append
        if step.stops:
            append.told.extend(told_children(self.claim, step.stops))
        self._outputs.prepare(step)
        if self._suspect and any(isinstance(event, _COMPLETIONS) for event in step.events):
            append.progressed, self._suspect = True, False
        if step.finished:
            self._end(append, step)

    def _end(self, append: Append, step: Step) -> None:
        last = step.events[-1]
        if not isinstance(last, journal.RunFinished):
            raise TypeError("a finished step ends with RunFinished")
        self._finished = True
        self._outputs.close()
        self._cutter.close()
        append.ending = run_ended(
            self.claim,
            last,
            error=None if last.error is None else self._shown(last.error),
            started_at=self._started_at,
            answer=self._told.text(self._outstanding.steps),
            open_keys=self._outputs.open_keys,
        )
        append.told.extend(told_parent(self.claim, append.ending, last, self._machine.state))

    def _settled(self, append: Append, verdict: Verdict, reason: str) -> None:
        done = self._outstanding.take_off(append)
        match verdict:
            case Verdict.TAKEN:
                self._tell(done.steps)
                if self._listeners is not None:
                    self._let_hear(self._listeners, append)
                self._children.wake(append.told)
                newest = self._outstanding.newest
                self._cutter.taken(append, behind=newest.append if newest else None)
                if append.ending is not None:
                    note_end(append.ending)
                    self._stop(Stopped.ENDED)
                elif self._handing_back is not None and newest is None:
                    self._handing_back.set_result(None)
                self._long.go_on()
                self._rest()
            case Verdict.LOST:
                self._stop(Stopped.LOST)
            case Verdict.REFUSED:
                self.evidence = reason
                self._stop(Stopped.FAULT)
            case Verdict.UNFIT:
                self.evidence = reason
                self._stop(Stopped.UNFIT)

    def _let_hear(self, listeners: Listeners, append: Append) -> None:
        state = self._machine.state
        for each in listeners.committed(append.first_seq, append.events, state):
            self._guarded(lambda now, ordered=each: self._machine.ordered(ordered, now))

    def _snapshot(self) -> RunSnapshot:
        machine = self._machine.snapshot()
        view = self._told.snapshot(self._outstanding.steps)
        return RunSnapshot(seq=self._next_seq - 1, machine=machine, view=view)

    def _tell(self, done: Sequence[Step]) -> None:
        try:
            # Calls go out first, so that they are under way while readers are told.
            for step in done:
                self._outputs.send(step)
            for step in done:
                self._outputs.tell(step, *self._told.tell(step))
        except Exception as error:  # noqa: BLE001 - the writer that calls us serves other runs too
            self._defect(error)

    def _due(self, timer_id: str) -> None:
        self._guarded(lambda now: self._machine.timer_due(timer_id, now))

    def _shown(self, text: str) -> str:
        mask = self._secrets.mask
        return text if mask is None else mask.text(text)

    def _stop(self, why: Stopped) -> None:
        if self._over.done():
            return
        self._over.set_result(why)
        self._timers.cancel()
        self._outstanding.abandon()
        self._outputs.stop()
        self._cutter.close()


def _abort(command: AbortRun) -> Abort:
    return Abort(command_id=str(command.command_id), reason=command.reason)
