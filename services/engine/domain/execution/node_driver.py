"""Drives a node's generator: asks are numbered and keyed, recorded answers fed, failures thrown."""

from collections.abc import Callable

from services.engine.domain.execution.effect_keys import is_same_request
from services.engine.domain.execution.effect_results import restored
from services.engine.domain.execution.incompatible_history import IncompatibleHistory
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.node_parts.effects import EffectError, EffectRequest
from services.engine.domain.node_parts.frames import FramesDone, RunFrames
from services.engine.domain.node_parts.node_contract import NodeFailure, NodeResult, NodeRun
from services.engine.domain.variables.record import record

KeyOf = Callable[[int], str]


@record
class Asked:
    """An effect the generator waits for, under its key; `call` is its ordinal in the attempt."""

    key: str
    call: int
    request: EffectRequest


class NodeDriver:
    """One attempt of one node. `waiting` is what it asked for last, in order, or `frames` the
    rounds of a container; `calls` is how many effects it has asked for."""

    __slots__ = ("_key_of", "_run", "_several", "calls", "frames", "progress", "waiting")

    def __init__(self, run: NodeRun, progress: NodeProgress, key_of: KeyOf) -> None:
        self._run = run
        self._key_of = key_of
        self.calls = 0
        self._several = False
        self.progress = progress
        self.waiting: tuple[Asked, ...] = ()
        self.frames: RunFrames | None = None

    def advance(self, rounds: FramesDone | None = None) -> NodeResult | None:
        """Go on as far as recorded answers reach; `rounds` answers `frames`.

        The result when the node has ended, None while it waits. Raises NodeFailure; whatever else
        a node raises is a defect in it and becomes a NodeFailure of type WorkflowNodeError. Raises
        IncompatibleHistory where it asks for something else than the journal says it asked for.
        """
        try:
            return self._advance(rounds)
        except (NodeFailure, IncompatibleHistory):
            raise
        except EffectError as error:
            raise NodeFailure(error.message, error_type=error.error_type) from error
        except Exception as error:
            # Imported graphs rely on it: what a node trips over is that node's failure.
            raise NodeFailure(str(error)) from error

    def close(self) -> None:
        """End the generator; what it yields while closing is not executed."""
        try:
            self._run.close()
        except Exception:  # noqa: BLE001 - it yielded or failed while closing: it is left there
            return

    def _advance(self, rounds: FramesDone | None) -> NodeResult | None:
        try:
            if rounds is not None:
                self._ask(self._run.send(rounds))
            elif not self.waiting and self.frames is None:
                self._ask(next(self._run))
            while self.frames is None and self._all_answered():
                self._ask(self._answer())
        except StopIteration as stop:
            self.waiting, self.frames = (), None
            return stop.value
        return None

    def _all_answered(self) -> bool:
        results, failures = self.progress.results, self.progress.failures
        for asked in self.waiting:
            if asked.key not in results and asked.key not in failures:
                return False
        return True

    def _answer(self) -> EffectRequest | tuple[EffectRequest, ...] | RunFrames:
        waiting, failures = self.waiting, self.progress.failures
        for asked in waiting if failures else ():
            failed = failures.get(asked.key)
            if failed is not None:
                return self._run.throw(
                    EffectError(
                        failed.error, error_type=failed.error_type, retryable=failed.retryable
                    )
                )
        results = self.progress.results
        if not self._several:
            return self._run.send(restored(waiting[0].request, results[waiting[0].key]))
        return self._run.send(
            tuple(restored(asked.request, results[asked.key]) for asked in waiting)
        )

    def _ask(self, asked: EffectRequest | tuple[EffectRequest, ...] | RunFrames) -> None:
        if isinstance(asked, RunFrames):
            self.waiting, self.frames = (), asked
            return
        self.frames = None
        first = self.calls
        if isinstance(asked, tuple):
            self._several = True
            self.calls += len(asked)
            self.waiting = tuple(
                Asked(key=self._key_of(call), call=call, request=request)
                for call, request in enumerate(asked, first)
            )
        else:
            self._several = False
            self.calls += 1
            self.waiting = (Asked(key=self._key_of(first), call=first, request=asked),)
        if self.progress.dispatched:
            self._check_history()

    def _check_history(self) -> None:
        for asked in self.waiting:
            known = self.progress.dispatched.get(asked.key)
            if known is not None and not is_same_request(known, asked.request):
                msg = f"effect {asked.key} was sent with another request"
                raise IncompatibleHistory(msg)
