"""When a run may be parked, and how it goes on."""

from libs.common.contracts.run_limits import RunLimits
from services.engine.domain.events import journal
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.sent_effects import SentEffects
from services.engine.domain.execution.step import Timer
from services.engine.domain.execution.step_writer import StepWriter

DEADLINE = "run:deadline"
LONG_WAIT = 60.0
"""Seconds. A shorter wait is waited for in memory: parking and claiming would cost more."""


class RunRest:
    """`paused`: nothing new may begin."""

    __slots__ = ("_effects", "_state", "_writer")

    def __init__(self, state: RunState, writer: StepWriter, effects: SentEffects) -> None:
        self._state = state
        self._writer = writer
        self._effects = effects

    @property
    def paused(self) -> bool:
        return self._state.standstill.paused is not None

    def deadline(self) -> Timer:
        """The run's own limit; the time while it was parked does not count."""
        started = self._state.started
        assert started is not None, "a timer is set by the first step"
        due = started.at + started.max_seconds + self._state.standstill.idle
        return Timer(timer_id=DEADLINE, due=due)

    def left(self) -> RunLimits:
        """What the run may still take of its limits, and a run that it calls now with it."""
        started = self._state.started
        assert started is not None, "nothing is called before the run has started"
        totals, tokens = self._state.totals, started.max_tokens
        done = self._state.steps + totals.child_steps
        return RunLimits(
            max_steps=max(started.max_steps - done, 0),
            max_seconds=max(self.deadline().due - self._writer.now, 0.0),
            max_tokens=None if tokens is None else max(tokens - totals.model_tokens, 0),
        )

    def settle(self) -> None:
        """Note in the step whether nothing is under way any more. The world is told when people are
        waited for; a long wait is parked in silence."""
        waits = self._waits()
        if waits is None:
            return
        standstill = self._state.standstill
        if standstill.since is None and (self.paused or standstill.forms):
            self._writer.record(
                journal.RunParked(
                    at=self._writer.now,
                    reason=standstill.paused,
                    total_tokens=self._state.totals.total_tokens,
                    total_steps=self._state.steps,
                )
            )
        self._writer.step.rests = waits

    def wake(self) -> None:
        """The run goes on, if it was parked and nobody has paused it."""
        if self._state.standstill.since is not None and not self.paused:
            self._writer.record(journal.RunResumed(at=self._writer.now))
            self._writer.step.timers.append(self.deadline())

    def _waits(self) -> list[Timer] | None:
        """The instants that the run waits for and nothing else; None while it has to be driven."""
        if self.paused:
            # Whatever comes due meanwhile is due at once when the run goes on.
            return None if self._effects.waits(beyond=float("-inf")) is None else []
        soon = self._writer.now + LONG_WAIT
        waits = self._effects.waits(beyond=soon)
        if waits is None:
            return None
        waits.extend(
            Timer(timer_id=progress.retry_timer, due=progress.retry_due)
            for progress in self._state.active.values()
            if progress.retry_due is not None
        )
        standstill = self._state.standstill
        # A child has limits of its own, which are what its caller had left.
        asleep = bool(standstill.forms or standstill.children)
        if waits and not asleep:
            waits.append(self.deadline())
        if any(wait.due <= soon for wait in waits):
            return None
        return waits if waits or asleep else None
