"""What generators have asked of the world and not been answered yet."""

from uuid import UUID

from services.engine.domain.events import journal
from services.engine.domain.execution.effect_keys import effect_key, request_hash, run_scope
from services.engine.domain.execution.live_texts import LiveTexts
from services.engine.domain.execution.node_driver import Asked, KeyOf, NodeDriver
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.execution.step import Dispatch, Timer
from services.engine.domain.execution.step_writer import StepWriter
from services.engine.domain.node_parts.effects import CallModel, Wait

Waiting = tuple[NodeDriver, Asked]


class SentEffects:
    """Journals what is asked, sends it, and knows who waits for the answer."""

    __slots__ = ("_scope", "_texts", "_waiting", "_writer")

    def __init__(
        self, writer: StepWriter, texts: LiveTexts, *, tenant_id: UUID, run_id: UUID
    ) -> None:
        self._writer = writer
        self._texts = texts
        self._scope = run_scope(tenant_id, run_id)
        self._waiting: dict[str, Waiting] = {}

    def keys_of(self, progress: NodeProgress) -> KeyOf:
        """Keys of the node's present attempt, by call ordinal."""
        scope, attempt = self._scope, progress.attempt
        node_id, frame = progress.node_id, progress.frame
        return lambda call: effect_key(scope, node_id, frame, attempt, call)

    def waiting_for(self, key: str) -> Waiting | None:
        """Who waits for the effect; None for a late or unknown one."""
        return self._waiting.get(key)

    def answered(self, driver: NodeDriver) -> None:
        """Nobody waits any more for what `driver` has an answer to."""
        for asked in driver.waiting:
            if driver.progress.answered(asked.key):
                self._waiting.pop(asked.key, None)

    def send(self, driver: NodeDriver) -> None:
        """Send what `driver` waits for and was not sent by this owner. What the journal says was
        sent goes out again under its key, and a wait keeps its journalled instant."""
        for asked in driver.waiting:
            if asked.key in self._waiting or driver.progress.answered(asked.key):
                continue
            self._waiting[asked.key] = (driver, asked)
            if isinstance(asked.request, Wait):
                self._set_timer(driver.progress, asked, asked.request)
            else:
                self._dispatch(driver.progress, asked)

    def forget(self, driver: NodeDriver) -> None:
        """The node has ended or starts over."""
        for asked in driver.waiting:
            self._waiting.pop(asked.key, None)

    def close(self) -> None:
        self._waiting.clear()

    def _set_timer(self, progress: NodeProgress, asked: Asked, wait: Wait) -> None:
        known = progress.dispatched.get(asked.key)
        due = known.due if known is not None else None
        if due is None:
            due = self._writer.now + max(wait.seconds, 0.0)
            self._note(progress, asked, "timer", "", due)
        self._writer.step.timers.append(Timer(timer_id=asked.key, due=due))

    def _dispatch(self, progress: NodeProgress, asked: Asked) -> None:
        request = asked.request
        assert not isinstance(request, Wait), "waits are timers"
        known = progress.dispatched.get(asked.key)
        digest = known.request_hash if known is not None else request_hash(request)
        if known is None:
            self._note(progress, asked, request.effect_class, digest, None)
        if isinstance(request, CallModel):
            self._texts.listen(asked.key, progress, request)
        self._writer.step.dispatches.append(
            Dispatch(
                key=asked.key,
                node_id=progress.node_id,
                request=request,
                effect_class=request.effect_class,
                request_hash=digest,
            )
        )

    def _note(
        self, progress: NodeProgress, asked: Asked, kind: str, digest: str, due: float | None
    ) -> None:
        self._writer.record(
            journal.EffectDispatched(
                at=self._writer.now,
                key=asked.key,
                node_id=progress.node_id,
                frame=progress.frame,
                attempt=progress.attempt,
                call=asked.call,
                effect_class=kind,
                request_hash=digest,
                due=due,
            )
        )
