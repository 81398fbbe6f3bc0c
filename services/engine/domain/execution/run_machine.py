"""One run as a pure machine: what happened goes in, what to record and to do comes out."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.contracts.chat import ChatPart
from libs.common.contracts.run_commands import PauseRun, RunCommand
from libs.common.contracts.run_limits import RunLimits
from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.effect_results import completed
from services.engine.domain.execution.obey_command import carry_out
from services.engine.domain.execution.opening import NO_OPENING, Opening
from services.engine.domain.execution.run_advance import RunAdvance
from services.engine.domain.execution.run_rest import DEADLINE
from services.engine.domain.execution.run_snapshot import MachineSnapshot
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.saved_state import restore, snapshot_of
from services.engine.domain.execution.sent_effects import Waiting
from services.engine.domain.execution.step import Abort, Step
from services.engine.domain.layers.layer_stack import NO_GUARDS, Guards, Ordered
from services.engine.domain.node_parts.effects import EffectError, EffectResult, Wait
from services.engine.domain.variables.values import Value


class RunMachine:
    """Single-threaded and without a clock: every call names the instant, `now`, in Unix seconds.

    Begin a new run with `begin`; take one over with `fold` for each journalled event, in order, and
    then `resume`. Late or repeated reports change nothing and give an empty Step.

    `secrets` are the environment values that the journal only names. Where they cannot be had,
    `refused` says so to `begin` or `resume`: the run fails with it, or is stopped by the command
    that could not wait for them, and nothing else happens. `guards` are asked before a node or an
    effect begins, and never while folding.
    """

    def __init__(
        self,
        workflow: CompiledWorkflow,
        *,
        tenant_id: UUID,
        run_id: UUID,
        secrets: Mapping[str, Value] | None = None,
        guards: Guards = NO_GUARDS,
    ) -> None:
        self.state = RunState(workflow, secrets)
        self._advance = RunAdvance(self.state, guards, tenant_id=tenant_id, run_id=run_id)
        self._writer = self._advance.writer

    def begin(
        self,
        started: journal.RunStarted,
        *,
        opening: Opening = NO_OPENING,
        refused: str | Abort | None = None,
        pause: PauseRun | None = None,
    ) -> Step:
        """The first step of a new run: everything that needs no answer from the world. With a
        `pause` that came before it, nothing is begun."""
        step = self._writer.open(started.at)
        self._writer.record(started)
        for event in opening.facts:
            self._writer.record(event)
        step.timers.append(self._advance.rest.deadline())
        self._hold(pause)
        if refused is not None:
            self._refuse(refused)
        elif opening.taken:
            # What was taken over comes after the run's first node, which is always executed.
            self._advance.start_first()
            for event in opening.taken:
                self._writer.record(event)
        return self._advance.settle()

    def fold(self, event: journal.JournalEvent) -> None:
        """Replay one journalled event."""
        # The fold makes the same text visible again, at the same offsets. Counting the journal's
        # own account too would count text twice that stands before the node's end that showed it.
        if isinstance(event, journal.TextCommitted):
            self._writer.account_for(event.from_offset + len(event.text))
            return
        if isinstance(event, journal.TextReplaced):
            self._writer.account_for(event.from_offset)
        self._writer.owe(self.state.apply(event))

    def snapshot(self) -> MachineSnapshot:
        """Everything between two steps, or two folded events, that the next ones build on."""
        return MachineSnapshot(state=snapshot_of(self.state), writer=self._writer.snapshot())

    def restore(self, saved: MachineSnapshot) -> None:
        """In place of folding the events that `saved` stands for. The machine is new."""
        restore(self.state, saved.state)
        self._writer.restore(saved.writer)

    def resume(
        self,
        now: float,
        *,
        refused: str | Abort | None = None,
        pause: PauseRun | None = None,
    ) -> Step:
        """Go on after folding everything: waiting nodes are re-created and fed, effects without an
        answer sent again under their keys, timers set to their journalled instants. With a `pause`
        that came meanwhile, nothing new is begun.

        Raises IncompatibleHistory where today's code does not ask for what the journal says was
        asked.
        """
        started = self.state.started
        step = self._writer.open(now)
        if started is None or self.state.finished is not None:
            return step
        if refused is not None:
            self._refuse(refused)
            return self._advance.settle()
        self._writer.pay()
        if self.state.standstill.since is None:
            step.timers.append(self._advance.rest.deadline())
        self._hold(pause)
        self._advance.revive()
        return self._advance.settle()

    def go_on(self, now: float) -> Step:
        """What an unsettled step left; nothing where there is nothing left."""
        step = self._writer.open(now)
        if self.state.started is not None and self.state.finished is None:
            return self._advance.settle()
        return step

    def parts(self, key: str, parts: Sequence[ChatPart], now: float) -> Step:
        """Parts of a model call under way."""
        step = self._writer.open(now)
        self._advance.texts.hear(key, parts)
        return step

    def complete(self, key: str, result: EffectResult, now: float) -> Step:
        """The effect's recorded result."""
        step = self._writer.open(now)
        waiting = self._waiting_for(key)
        if waiting is None:
            return step
        driver, asked = waiting
        event = completed(key, asked.request, result, now)
        self._advance.texts.completed(event)
        self._writer.record(event)
        self._advance.drive(driver)
        return self._advance.settle()

    def fail(self, key: str, error: EffectError, *, definite: bool, now: float) -> Step:
        """The effect ended without a result. `definite` False: its outcome is unknown, and the
        node is not tried again."""
        step = self._writer.open(now)
        waiting = self._waiting_for(key)
        if waiting is None:
            return step
        driver, _ = waiting
        self._writer.record(
            journal.EffectFailed(
                at=now,
                key=key,
                error=error.message,
                error_type=error.error_type,
                retryable=error.retryable,
                definite=definite,
            )
        )
        self._advance.drive(driver)
        return self._advance.settle()

    def form_opened(self, key: str, now: float) -> Step:
        """The form of the effect is stored."""
        step = self._writer.open(now)
        if key not in self.state.standstill.forms and self._advance.effects.form_opened(key):
            return self._advance.settle()
        return step

    def child_started(self, key: str, now: float) -> Step:
        """The child that the effect calls is accepted."""
        step = self._writer.open(now)
        if key not in self.state.standstill.children and self._advance.effects.child_started(key):
            return self._advance.settle()
        return step

    def left(self, now: float) -> RunLimits:
        """What a run that is called now may take."""
        self._writer.open(now)
        return self._advance.rest.left()

    def obey(self, command: RunCommand, now: float) -> Step:
        """Carry a command out; the same again, or one after the end, changes nothing."""
        step = self._writer.open(now)
        if self.state.finished is None and str(command.command_id) not in self.state.commands:
            carry_out(command, self._advance)
            return self._advance.settle()
        return step

    def ordered(self, ordered: Ordered, now: float) -> Step:
        """Carry out what an observer ordered; the same again, or after the end, changes nothing."""
        step = self._writer.open(now)
        if self.state.finished is not None or ordered.command_id in self.state.commands:
            return step
        self._advance.carry_out(ordered)
        return self._advance.settle()

    def timer_due(self, timer_id: str, now: float) -> Step:
        """A timer of an earlier step has come."""
        step = self._writer.open(now)
        if self.state.finished is not None:
            return step
        if timer_id == DEADLINE:
            return self._deadline()
        waiting = self._waiting_for(timer_id)
        if waiting is not None:
            driver, asked = waiting
            if isinstance(asked.request, Wait):
                self._advance.rest.wake()
                self._writer.record(journal.EffectCompleted(at=now, key=timer_id, result=None))
                self._advance.drive(driver)
            return self._advance.settle()
        self._advance.retry(timer_id)
        return self._advance.settle()

    def abort(self, command: Abort, now: float) -> Step:
        """Stop the run; the same command again, or one after the end, changes nothing."""
        step = self._writer.open(now)
        if self.state.finished is not None or command.command_id in self.state.commands:
            return step
        self._apply(command)
        return self._advance.settle()

    def _hold(self, pause: PauseRun | None) -> None:
        if pause is not None and str(pause.command_id) not in self.state.commands:
            carry_out(pause, self._advance)

    def _refuse(self, why: str | Abort) -> None:
        if isinstance(why, Abort):
            self._apply(why)
            self._advance.end("stopped", why.reason)
        else:
            self._advance.end("failed", why)

    def _apply(self, command: Abort) -> None:
        self._writer.record(
            journal.CommandApplied(
                at=self._writer.now,
                command_id=command.command_id,
                command="abort",
                reason=command.reason,
            )
        )

    def _waiting_for(self, key: str) -> Waiting | None:
        return self._advance.effects.waiting_for(key)

    def _deadline(self) -> Step:
        started = self.state.started
        assert started is not None, "a timer is set by the first step"
        if self.state.standstill.since is not None:
            # It is set anew when the run goes on.
            return self._writer.step
        deadline = self._advance.rest.deadline()
        if deadline.due > self._writer.now:
            self._writer.step.timers.append(deadline)
            return self._writer.step
        self._advance.end(
            "failed", f"Maximum execution time exceeded: {started.max_seconds:g} seconds"
        )
        return self._advance.settle()
