"""How a run moves on inside one step."""

from collections.abc import Sequence
from typing import Literal, assert_never
from uuid import UUID

from services.engine.domain.events import journal
from services.engine.domain.execution.container_rounds import ContainerRounds
from services.engine.domain.execution.frame import Frame
from services.engine.domain.execution.incompatible_history import IncompatibleHistory
from services.engine.domain.execution.live_texts import LiveTexts
from services.engine.domain.execution.node_driver import NodeDriver
from services.engine.domain.execution.node_endings import failed_node, retry_of, succeeded_node
from services.engine.domain.execution.node_progress import NodePlace, NodeProgress
from services.engine.domain.execution.node_view import NodeView
from services.engine.domain.execution.run_rest import RunRest
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.sent_effects import SentEffects
from services.engine.domain.execution.step import Step, Timer
from services.engine.domain.execution.step_writer import StepWriter
from services.engine.domain.execution.variable_updates import variable_updates
from services.engine.domain.layers.layer import FailRun, StopRun
from services.engine.domain.layers.layer_stack import Guards, Ordered, Overruled
from services.engine.domain.node_parts.node_contract import NodeContext, NodeFailure, NodeResult

STEP_EVENTS = 500
"""From here on a step begins nothing more: some 5 ms in which no other run of the worker moves, and
what is held in memory until it is durable."""

_ROUND_FAILED = "The round of the run that called this one failed."
_OVER = "The run that called this one is over."


class RunAdvance:
    """The moving parts beside the fold: the generators of the nodes under way, what they wait for,
    live text, and the step being filled."""

    def __init__(self, state: RunState, guards: Guards, *, tenant_id: UUID, run_id: UUID) -> None:
        self._state = state
        self._guards = guards
        self._history: tuple[tuple[str, str], ...] = ()
        self._drivers: dict[NodePlace, NodeDriver] = {}
        self.writer = StepWriter(state)
        self.texts = LiveTexts(state, self.writer)
        self._rounds = ContainerRounds(state, self.writer)
        self.effects = SentEffects(
            self.writer,
            self.texts,
            state.standstill,
            tenant_id=tenant_id,
            run_id=run_id,
            run=state,
            guards=guards,
        )
        self.rest = RunRest(state, self.writer, self.effects)

    def settle(self) -> Step:
        """Start whatever is ready, over and over, and end the run when nothing is left; or leave
        the rest to the next step where this one has grown long."""
        state, frames = self._state, self._state.frames
        while state.standstill.paused is None and (frames.resting or frames.ready):
            if len(self.writer.step.events) >= STEP_EVENTS:
                self.writer.step.unsettled = True
                return self.writer.step
            # Rounds that are over make room before anything new begins.
            if frames.resting:
                self._finish(frames.by_path[frames.resting[0]])
            else:
                self._start(*frames.ready[0])
        if state.finished is None:
            if state.stopped is not None:
                self.end("stopped", state.stopped)
            elif state.failed is not None:
                self.end("failed", state.failed)
            elif not (frames.active or frames.ready):
                self.end("partial-succeeded" if state.exceptions else "succeeded", None)
            else:
                self.texts.publish()
                self.rest.settle()
        return self.writer.step

    def revive(self) -> None:
        """Re-create the generators of the nodes under way, in their starting order; in a paused run
        only those that wait for an answer. One that is there already goes on.

        Raises IncompatibleHistory where they do not ask for what the journal says they asked for.
        """
        state = self._state
        for progress in list(state.active.values()):
            if state.failed is not None or state.stopped is not None or state.finished is not None:
                return
            frame = state.frames.by_path.get(progress.frame)
            if frame is None or frame.failed is not None or progress.place not in state.active:
                continue
            if (known := self._drivers.get(progress.place)) is not None:
                self.drive(known)
                continue
            if self.rest.paused and not progress.unanswered:
                continue
            if progress.retry_due is not None:
                self._wait_for_retry(progress, progress.retry_due)
                continue
            sent = len(progress.dispatched)
            if self._run(progress).calls < sent:
                msg = f"node {progress.node_id} asks for less than it was answered"
                raise IncompatibleHistory(msg)

    def start_first(self) -> None:
        """Start the node whose turn it is."""
        if self._state.ready:
            self._start(*self._state.ready[0])

    def retry(self, timer_id: str) -> None:
        """A retry's wait is over."""
        for progress in () if self.rest.paused else self._state.active.values():
            if progress.retry_due is not None and progress.retry_timer == timer_id:
                self.rest.wake()
                self.writer.record(
                    journal.NodeRetried(
                        at=self.writer.now,
                        node_id=progress.node_id,
                        frame=progress.frame,
                        attempt=progress.attempt + 1,
                    )
                )
                self._run(progress)
                return

    def drive(self, driver: NodeDriver) -> None:
        """Let a node go on as far as its answers reach, and send what it asks for; not while the
        run is paused."""
        self.effects.answered(driver)
        if not self.rest.paused:
            self._go_on(driver)

    def _go_on(self, driver: NodeDriver) -> None:
        updates: Sequence[journal.VariableUpdated] = ()
        try:
            result = self._advanced(driver)
            if result is not None and result.assigned:
                updates = self._updates(driver.progress, result)
        except NodeFailure as failure:
            self._fail(driver, failure)
            return
        if driver.progress.failures:
            self.texts.failures_swallowed(driver.progress)
        if result is None:
            if driver.frames is None:
                self._send(driver)
            return
        self._forget(driver)
        for update in updates:
            self.writer.record(update)
        self.writer.record(succeeded_node(driver.progress, result, self.writer.now))

    def _send(self, driver: NodeDriver) -> None:
        try:
            self.effects.send(driver)
        except Overruled as overruled:
            self._overruled(overruled)

    def _overruled(self, by: Overruled) -> None:
        # As many commands as before make the same id, whoever asks again after a takeover.
        number = len(self._state.commands) + 1
        self.carry_out(Ordered(command_id=f"layer:{by.layer}:{number}", order=by.order))

    def carry_out(self, ordered: Ordered) -> None:
        """End the run as a layer ordered; a stop is journalled like any. It has not ended."""
        match ordered.order:
            case FailRun(error=error):
                self.end("failed", error)
            case StopRun(reason=reason):
                self.writer.record(
                    journal.CommandApplied(
                        at=self.writer.now,
                        command_id=ordered.command_id,
                        command="abort",
                        reason=reason,
                    )
                )
                self.end("stopped", reason)
            case _:
                assert_never(ordered.order)

    def _updates(self, progress: NodeProgress, result: NodeResult) -> list[journal.VariableUpdated]:
        started = self._state.started
        assert started is not None, "nodes run after the run has started"
        most = started.max_variable_bytes
        return variable_updates(progress, result.assigned, self.writer.now, most_bytes=most)

    def _advanced(self, driver: NodeDriver) -> NodeResult | None:
        result = driver.advance()
        while result is None and driver.frames is not None:
            done = self._rounds.go_on(driver.progress, driver.frames)
            if done is None:
                return None
            result = driver.advance(done)
        return result

    def _finish(self, frame: Frame) -> None:
        """A round is over. One that failed takes what is under way in it along."""
        state = self._state
        if frame.failed is not None:
            for progress in state.frames.inside(frame.path):
                self._break_off(progress)
        container = state.frames.progress(frame.parent, frame.container)
        assert container is not None, "a round ends before its container"
        self.writer.record(
            journal.FrameFinished(
                at=self.writer.now,
                node_id=frame.container,
                frame=frame.parent,
                index=frame.index,
                error=frame.failed,
                error_type=frame.error_type,
            )
        )
        self.drive(self._drivers[container.place])

    def _break_off(self, progress: NodeProgress) -> None:
        self._rounds.forget(progress.place)
        self.texts.abandoned(progress)
        open_keys = [key for key in progress.dispatched if key in self._state.owners]
        self.effects.abandon(progress, open_keys, _ROUND_FAILED)
        self.writer.step.withdrawn += tuple(
            self.effects.form_of(key)
            for key in open_keys
            if progress.dispatched[key].effect_class == "human"
        )
        driver = self._drivers.get(progress.place)
        if driver is not None:
            self._forget(driver)

    def end(
        self,
        status: Literal["succeeded", "partial-succeeded", "failed", "stopped"],
        error: str | None,
    ) -> None:
        """The one terminal event. Calls under way are cancelled; what they had said is kept."""
        state = self._state
        self.texts.keep_said()
        self.writer.record(
            journal.RunFinished(
                at=self.writer.now,
                status=status,
                outputs={} if error is not None else state.outputs,
                error=error,
                total_tokens=state.totals.total_tokens,
                total_steps=state.steps,
                exceptions_count=state.exceptions,
                usage=state.totals.usage,
            )
        )
        # In the order of the nodes, which a takeover keeps too.
        for progress in state.active.values():
            open_keys = [key for key in progress.dispatched if key in state.owners]
            self.effects.abandon(progress, open_keys, error or _OVER)
        self.writer.step.finished = True
        for driver in self._drivers.values():
            driver.close()
        self._drivers.clear()
        self.effects.close()
        self.texts.close()

    def _start(self, path: str, node: int, predecessor: str | None) -> None:
        state = self._state
        started = state.started
        assert started is not None, "nothing is ready before the run has started"
        if (done := state.steps + state.totals.child_steps) >= started.max_steps:
            steps = done + 1
            self.end("failed", f"Maximum execution steps exceeded: {steps} > {started.max_steps}")
            return
        event = journal.NodeStarted(
            at=self.writer.now,
            node_id=state.frames.by_path[path].plan.nodes[node].place.id,
            frame=path,
            index=state.steps + 1,
            predecessor=predecessor,
        )
        if self._guards.of_nodes:
            try:
                self._guards.judge(self._guards.of_nodes, event, state)
            except Overruled as overruled:
                self._overruled(overruled)
                return
        self.writer.record(event)
        self._run(state.frames.active[path, node])

    def _run(self, progress: NodeProgress) -> NodeDriver:
        frame = self._state.frames.by_path[progress.frame]
        compiled = frame.plan.nodes[progress.node].node
        started = self._state.started
        assert compiled is not None, "a workflow with unknown node types is not registered"
        assert started is not None, "nodes run after the run has started"
        context = NodeContext(
            node_id=progress.node_id,
            variables=NodeView(frame.pool, progress),
            inputs=started.inputs,
            history=self._turns(started),
        )
        driver = NodeDriver(compiled.run(context), progress, self.effects.keys_of(progress))
        self._drivers[progress.place] = driver
        # In a paused run it only asks again for what it waits for.
        self._go_on(driver)
        return driver

    def _turns(self, started: journal.RunStarted) -> tuple[tuple[str, str], ...]:
        if len(self._history) != len(started.history):
            self._history = tuple((turn[0], turn[1]) for turn in started.history)
        return self._history

    def _fail(self, driver: NodeDriver, failure: NodeFailure) -> None:
        progress = driver.progress
        policy = self._state.frames.by_path[progress.frame].plan.nodes[progress.node].policy
        definite = all(event.definite for event in progress.failures.values())
        self._forget(driver)
        now = self.writer.now
        if definite and progress.attempt < policy.retries:
            self.texts.abandoned(progress)
            due = now + policy.interval
            self.writer.record(retry_of(progress, failure, now, due))
            self._wait_for_retry(progress, due)
            return
        if policy.strategy == "none" and not progress.frame:
            self.texts.keep_said()
        else:
            self.texts.abandoned(progress)
        self.writer.record(failed_node(progress, failure, policy, now))

    def _wait_for_retry(self, progress: NodeProgress, due: float) -> None:
        self.writer.step.timers.append(Timer(timer_id=progress.retry_timer, due=due))

    def _forget(self, driver: NodeDriver) -> None:
        self._drivers.pop(driver.progress.place, None)
        self.effects.forget(driver)
        driver.close()
