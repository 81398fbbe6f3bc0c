"""Begins the rounds of containers as far as their width reaches, and tells when none is left."""

from itertools import islice

from services.engine.domain.events import journal
from services.engine.domain.execution.node_progress import NodePlace, NodeProgress, Rounds
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.step_writer import StepWriter
from services.engine.domain.node_parts.frames import FramesDone, RunFrames
from services.engine.domain.node_parts.node_contract import NodeFailure
from services.engine.domain.variables.sizes import size_of
from services.engine.domain.variables.values import Value

LEFT_BYTES = 32 * 1024 * 1024
"""What all rounds of one container may leave. More could not be written down as its output, so it
is neither worked for nor held in memory."""


class ContainerRounds:
    """What has begun and ended stands in the state, so that a takeover goes on from there."""

    __slots__ = ("_left", "_state", "_writer")

    def __init__(self, state: RunState, writer: StepWriter) -> None:
        self._state = state
        self._writer = writer
        self._left: dict[NodePlace, tuple[int, int]] = {}

    def go_on(self, progress: NodeProgress, asked: RunFrames) -> FramesDone | None:
        """What the rounds left once all are over, None while some are under way.

        Raises NodeFailure where the container cannot tell whether to go on, and where its rounds
        leave more than LEFT_BYTES.
        """
        rounds = progress.rounds
        if rounds is None:
            self.forget(progress.place)
            self._open(progress, asked)
            rounds = progress.rounds
            assert rounds is not None, "the fold notes that a container began"
        full = self._left_by(progress.place, rounds) > LEFT_BYTES
        variables = self._state.frames.by_path[progress.frame].pool
        while (
            rounds.started < rounds.length
            and rounds.running < asked.width
            and not rounds.over
            and not full
            and not (rounds.failures and asked.stops_at_failure)
            and not (not rounds.running and asked.enough(variables, rounds.done))
        ):
            self._begin(progress, rounds)
        if rounds.running:
            return None
        self.forget(progress.place)
        if full:
            raise _too_much(rounds)
        return _outcome(rounds)

    def forget(self, place: NodePlace) -> None:
        """The container is broken off."""
        self._left.pop(place, None)

    def _left_by(self, place: NodePlace, rounds: Rounds) -> int:
        """Bytes; each output is looked at once."""
        counted, size = self._left.get(place, (0, 0))
        if counted < len(rounds.outputs):
            size += sum(_size(value) for value in islice(rounds.outputs.values(), counted, None))
            self._left[place] = len(rounds.outputs), size
        return size

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


def _size(value: Value) -> int:
    try:
        return size_of(value)
    except (TypeError, ValueError, RecursionError):
        return 0  # no JSON: the journal refuses it by the name of its node


def _too_much(rounds: Rounds) -> NodeFailure:
    return NodeFailure(
        f"The outputs of {len(rounds.outputs)} of {rounds.length} rounds hold more than "
        f"{LEFT_BYTES // 1_048_576} MiB. Keep content of that size in files and pass their "
        "addresses.",
        error_type="OutputTooLargeError",
    )


def _outcome(rounds: Rounds) -> FramesDone:
    return FramesDone(
        rounds=rounds.started,
        outputs=rounds.outputs,
        failures=rounds.failures,
        seconds=rounds.seconds,
        total_tokens=rounds.total_tokens,
    )
