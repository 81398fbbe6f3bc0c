"""A run's state taken as plain data, and taken up again."""

from collections import deque

from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.state_snapshot import StateSnapshot
from services.engine.domain.variables.selectors import ENVIRONMENT


def snapshot_of(state: RunState) -> StateSnapshot:
    """Plain data that later events leave alone. Values of secrets are left out."""
    frames = state.frames.snapshot()
    for name in state.secrets:
        (frames[0].pool or {}).get(ENVIRONMENT, {}).pop(name, None)
    return StateSnapshot(
        frames=frames,
        coordinator=state.coordinator.snapshot(),
        active=[progress.snapshot() for progress in state.active.values()],
        ready=[*state.ready],
        resting=[*state.frames.resting],
        announced={**state.announced},
        commands=sorted(state.commands),
        standstill=state.standstill.snapshot(),
        totals=state.totals.snapshot(),
        steps=state.steps,
        exceptions=state.exceptions,
        failed=state.failed,
        stopped=state.stopped,
        started=state.started,
        finished=state.finished,
    )


def restore(state: RunState, saved: StateSnapshot) -> None:
    """Make a new state, of the same workflow and secrets, the one that `saved` was taken of."""
    frames = state.frames
    frames.restore(saved.frames)
    if saved.started is not None:
        state.pool.put_all(ENVIRONMENT, state.secrets)
    responses = [each.responses for each in frames.by_path.values() if each.responses]
    frames.coordinator.restore(saved.coordinator, responses)
    frames.active = {each.place: each.snapshot() for each in saved.active}
    state.owners = {
        key: progress for progress in state.active.values() for key in progress.open_keys()
    }
    frames.ready = deque(saved.ready)
    frames.resting = [*saved.resting]
    state.announced = {**saved.announced}
    state.commands = set(saved.commands)
    state.standstill.restore(saved.standstill)
    state.totals.restore(saved.totals)
    state.steps, state.exceptions = saved.steps, saved.exceptions
    state.failed, state.stopped = saved.failed, saved.stopped
    state.started, state.finished = saved.started, saved.finished
