"""What generators have asked of the world and not been answered yet."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.forms import form_digest
from services.engine.domain.events import journal
from services.engine.domain.execution.effect_keys import (
    child_run_id,
    effect_key,
    form_id,
    request_hash,
    run_scope,
)
from services.engine.domain.execution.live_texts import LiveTexts
from services.engine.domain.execution.node_driver import Asked, KeyOf, NodeDriver
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.execution.standstill import Standstill
from services.engine.domain.execution.step import Dispatch, OpenForm, StartChild, StopChild, Timer
from services.engine.domain.execution.step_writer import StepWriter
from services.engine.domain.layers.layer import RunView
from services.engine.domain.layers.layer_stack import Guards
from services.engine.domain.node_parts.effects import (
    AskHuman,
    CallModel,
    RunWorkflow,
    SentEffect,
    Wait,
)

Waiting = tuple[NodeDriver, Asked]


class SentEffects:
    """Journals what is asked, sends it, and knows who waits for the answer."""

    __slots__ = (
        "_guards",
        "_run",
        "_run_id",
        "_scope",
        "_standstill",
        "_texts",
        "_waiting",
        "_writer",
    )

    def __init__(
        self,
        writer: StepWriter,
        texts: LiveTexts,
        standstill: Standstill,
        *,
        tenant_id: UUID,
        run_id: UUID,
        run: RunView,
        guards: Guards,
    ) -> None:
        self._run = run
        self._guards = guards
        self._standstill = standstill
        self._writer = writer
        self._texts = texts
        self._run_id = run_id
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
        sent goes out again under its key, and a wait keeps its journalled instant.

        Raises Overruled where a guard has an order for the run: the rest is not sent.
        """
        for asked in driver.waiting:
            if asked.key in self._waiting or driver.progress.answered(asked.key):
                continue
            request = asked.request
            if type(request) is Wait:
                self._set_timer(driver.progress, asked, request)
            elif type(request) is AskHuman:
                self._ask(driver.progress, asked, request)
            elif type(request) is RunWorkflow:
                self._call(driver.progress, asked, request)
            else:
                self._dispatch(driver.progress, asked, request)
            self._waiting[asked.key] = (driver, asked)

    def forget(self, driver: NodeDriver) -> None:
        """The node has ended or starts over."""
        for asked in driver.waiting:
            self._waiting.pop(asked.key, None)

    def close(self) -> None:
        self._waiting.clear()

    def form_of(self, key: str) -> UUID:
        """The id of the form that the effect asks for."""
        return form_id(self._run_id, key)

    def form_opened(self, key: str) -> bool:
        """Journal, once, that the form is stored. False when nobody waits for its answer."""
        driver, asked = self._waiting.get(key, (None, None))
        if driver is None or asked is None or not isinstance(asked.request, AskHuman):
            return False
        if key not in self._standstill.forms:
            due = driver.progress.dispatched[key].due
            assert due is not None, "a form is journalled with its instant"
            self._writer.record(
                journal.FormOpened(
                    at=self._writer.now,
                    key=key,
                    node_id=driver.progress.node_id,
                    frame=driver.progress.frame,
                    form_id=str(self.form_of(key)),
                    form=asked.request.form.model_dump(mode="json"),
                    due=due,
                )
            )
        return True

    def child_started(self, key: str) -> bool:
        """Journal, once, that the child is accepted. False when nobody waits for its end."""
        driver, asked = self._waiting.get(key, (None, None))
        if driver is None or asked is None or not isinstance(asked.request, RunWorkflow):
            return False
        if key not in self._standstill.children:
            self._writer.record(
                journal.ChildStarted(
                    at=self._writer.now,
                    key=key,
                    node_id=driver.progress.node_id,
                    frame=driver.progress.frame,
                    child_run_id=str(child_run_id(self._run_id, key)),
                )
            )
        return True

    def abandon(self, progress: NodeProgress, open_keys: Sequence[str], reason: str) -> None:
        """The node is left where it is, or the run is over: nobody waits for its `open_keys`. Where
        the run is over, its forms are withdrawn with it."""
        kinds = progress.dispatched
        step = self._writer.step
        step.cancels += tuple(key for key in open_keys if progress.is_call(key))
        step.stops += tuple(
            StopChild(child_run_id=child_run_id(self._run_id, key), reason=reason)
            for key in open_keys
            if kinds[key].effect_class == "child"
        )

    def waits(self, *, beyond: float) -> list[Timer] | None:
        """The waits under way; None while anything else is, a call, a form being stored or a child
        being accepted, or a wait that ends by `beyond`."""
        found: list[Timer] = []
        for key, (driver, asked) in self._waiting.items():
            if isinstance(asked.request, Wait):
                due = driver.progress.dispatched[key].due
                assert due is not None, "a wait is journalled with its instant"
                if due <= beyond:
                    return None
                found.append(Timer(timer_id=key, due=due))
            elif key not in self._standstill.forms and key not in self._standstill.children:
                return None
        return found

    def _ask(self, progress: NodeProgress, asked: Asked, ask: AskHuman) -> None:
        known = progress.dispatched.get(asked.key)
        due = known.due if known is not None else None
        if due is None:
            due = self._writer.now + max(ask.seconds, 0.0)
            self._note(progress, asked, "human", form_digest(ask.form), due)
        if asked.key not in self._standstill.forms:
            form = OpenForm(
                form_id=self.form_of(asked.key),
                key=asked.key,
                node_id=progress.node_id,
                frame=progress.frame,
                form=ask.form,
                due=due,
                deliveries=ask.deliveries,
            )
            self._writer.step.forms += (form,)

    def _call(self, progress: NodeProgress, asked: Asked, request: RunWorkflow) -> None:
        if asked.key not in progress.dispatched:
            self._note(progress, asked, "child", request_hash(request), None)
        if asked.key not in self._standstill.children:
            child = StartChild(
                child_run_id=child_run_id(self._run_id, asked.key),
                key=asked.key,
                node_id=progress.node_id,
                call=request.call,
            )
            self._writer.step.children += (child,)

    def _set_timer(self, progress: NodeProgress, asked: Asked, wait: Wait) -> None:
        known = progress.dispatched.get(asked.key)
        due = known.due if known is not None else None
        if due is None:
            due = self._writer.now + max(wait.seconds, 0.0)
            self._note(progress, asked, "timer", "", due)
        self._writer.step.timers.append(Timer(timer_id=asked.key, due=due))

    def _dispatch(self, progress: NodeProgress, asked: Asked, request: SentEffect) -> None:
        known = progress.dispatched.get(asked.key)
        digest = known.request_hash if known is not None else request_hash(request)
        if known is None:
            self._note(progress, asked, request.effect_class, digest, None)
        if type(request) is CallModel:
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
        event = journal.EffectDispatched(
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
        if self._guards.of_effects:
            self._guards.judge(self._guards.of_effects, event, self._run)
        self._writer.record(event)
