"""Begins the rounds of containers as far as their width reaches, and tells when none is left."""

from services.engine.domain.events import journal
from services.engine.domain.execution.node_progress import NodeProgress, Rounds
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.step_writer import StepWriter
from services.engine.domain.node_parts.frames import FramesDone, RunFrames


class ContainerRounds:
    """What has begun and ended stands in the state, so that a takeover goes on from there."""

    __slots__ = ("_state", "_writer")

    def __init__(self, state: RunState, writer: StepWriter) -> None:
        self._state = state
        self._writer = writer

    def go_on(self, progress: NodeProgress, asked: RunFrames) -> FramesDone | None:
        """What the rounds left once all are over, None while some are under way.

        Raises NodeFailure where the container cannot tell whether to go on.
        """
        rounds = progress.rounds
        if rounds is None:
            self._open(progress, asked)
            rounds = progress.rounds
            assert rounds is not None, "the fold notes that a container began"
        variables = self._state.frames.by_path[progress.frame].pool
        while (
            rounds.started < rounds.length
            and rounds.running < asked.width
            and not rounds.over
            and not (rounds.failures and asked.stops_at_failure)
            and not (not rounds.running and asked.enough(variables, rounds.done))
        ):
            self._begin(progress, rounds)
        return None if rounds.running else _outcome(rounds)

    def _open(self, progress: NodeProgress, asked: RunFrames) -> None:
        self._writer.record(
            journal.ContainerStarted(
                at=self._writer.now,
                node_id=progress.node_id,
                frame=progress.frame,
                container=asked.container,
                length=asked.length,
                items=asked.items,
                variables={**asked.variables},
                output=None if asked.output is None else [*asked.output],
            )
        )

    def _begin(self, progress: NodeProgress, rounds: Rounds) -> None:
        self._writer.record(
            journal.FrameStarted(
                at=self._writer.now,
                node_id=progress.node_id,
                frame=progress.frame,
                index=rounds.started,
                container=rounds.container,
            )
        )


def _outcome(rounds: Rounds) -> FramesDone:
    return FramesDone(
        rounds=rounds.started,
        outputs=rounds.outputs,
        failures=rounds.failures,
        seconds=rounds.seconds,
        total_tokens=rounds.total_tokens,
    )
