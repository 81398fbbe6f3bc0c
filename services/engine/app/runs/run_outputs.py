"""What the world sees of a run: told only after the commit that covers it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from libs.common.contracts.run_events import ReasoningDelta, TextDelta
from services.engine.app.effects.child_runs import ChildRuns
from services.engine.app.effects.dispatch_effect import EffectDispatcher
from services.engine.app.effects.effect_sink import EffectSink
from services.engine.app.effects.open_forms import FormOpener
from services.engine.app.events.publish_events import EventPublisher, LiveEvent, LiveRun
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.public_events import ToldEvent
from services.engine.domain.execution.step import Delta, Dispatch, Step, Thought
from services.engine.domain.node_parts.effects import CallModel


class _Call(NamedTuple):
    """`cleared` once its dispatch is durable and it may be sent."""

    dispatch: Dispatch
    task: asyncio.Task[None]
    cleared: asyncio.Future[None]


class RunOutputs:
    """Events, text, forms, called runs, and calls under way. `last_seq` is the newest public event
    told."""

    def __init__(
        self,
        claim: Claim,
        publisher: EventPublisher,
        effects: EffectDispatcher,
        forms: FormOpener,
        children: ChildRuns,
        *,
        sink: EffectSink,
        on_defect: Callable[[BaseException], None],
    ) -> None:
        self.last_seq = 0
        self._claim = claim
        self._publisher = publisher
        self._effects = effects
        self._forms = forms
        self._children = children
        self._sink = sink
        self._on_defect = on_defect
        self._live = LiveRun(claim.tenant_id, claim.run_id)
        self._secret = claim.request.has_secrets
        self._closed = False
        self._calls: dict[str, _Call] = {}
        self._cancelling: set[asyncio.Task[None]] = set()

    @property
    def open_keys(self) -> tuple[str, ...]:
        """Calls under way."""
        return tuple(self._calls)

    def awaits(self, key: str) -> bool:
        return key in self._calls

    def answered(self, key: str) -> bool:
        """The call has ended. False when nobody waited for it any more."""
        return self._calls.pop(key, None) is not None

    def prepare(self, step: Step) -> None:
        """Make ready what `step` wants to send once it is durable: the commit takes longer."""
        for dispatch in step.dispatches:
            if not self._closed and dispatch.key not in self._calls:
                self._calls[dispatch.key] = self._prepared(dispatch)

    def send(self, step: Step) -> None:
        """Send what was made ready; the step's events, and all before it, are durable."""
        for dispatch in step.dispatches:
            call = self._calls.get(dispatch.key)
            if call is not None and not call.cleared.done():
                call.cleared.set_result(None)
        if self._closed:
            return
        for form in step.forms:
            self._forms.open(form)
        for child in step.children:
            self._children.start(child)

    def tell(self, step: Step, shown: Sequence[ToldEvent], last_seq: int) -> None:
        """Publish what `step` brought and cancel what it lets go of, after `send`.

        `last_seq` is the newest public event then.
        """
        self.last_seq = last_seq
        live: list[LiveEvent] = [*shown]
        # A mask needs the whole text; the committed event that ends the call shows it masked.
        if step.thoughts and not self._secret:
            live += map(_reasoning, step.thoughts)
        if step.deltas:
            live += map(self._delta, step.deltas)
        if live:
            self._publisher.publish(self._live, live)
        for key in step.cancels:
            self._cancel(key)
        if step.withdrawn:
            self._forms.withdraw(step.withdrawn)

    def close(self) -> None:
        """Send nothing more: the run ends or is handed back."""
        self._closed = True
        for key in [key for key, call in self._calls.items() if not call.cleared.done()]:
            unsent = self._calls.pop(key).task
            unsent.cancel()
            self._cancelling.add(unsent)

    def stop(self) -> None:
        """Stop listening to every call. The calls go on at their callees."""
        self._closed = True
        self._forms.stop()
        self._children.stop()
        for call in self._calls.values():
            call.task.cancel()

    async def closed(self) -> None:
        """Wait until no task of this run is left."""
        calls = [call.task for call in self._calls.values()]
        await asyncio.gather(*calls, *self._cancelling, return_exceptions=True)
        await self._forms.closed()
        await self._children.closed()

    def _delta(self, delta: Delta) -> TextDelta:
        return TextDelta(
            seq=self.last_seq,
            from_offset=delta.from_offset,
            text=delta.text,
            node_id=delta.node_id,
            selector=tuple(delta.selector),
            frame_path=delta.frame,
            generation=delta.generation,
        )

    def _prepared(self, dispatch: Dispatch) -> _Call:
        cleared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        work = self._effects.perform(self._claim, dispatch, self._sink, cleared=cleared)
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._call_over)
        return _Call(dispatch, task, cleared)

    def _call_over(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_defect(error)

    def _cancel(self, key: str) -> None:
        known = self._calls.pop(key, None)
        if known is None:
            return
        known.task.cancel()
        of_model = isinstance(known.dispatch.request, CallModel)
        telling = asyncio.ensure_future(self._effects.cancel(self._claim, key, of_model=of_model))
        self._cancelling.add(telling)
        telling.add_done_callback(self._cancelling.discard)


def _reasoning(thought: Thought) -> ReasoningDelta:
    return ReasoningDelta(
        node_id=thought.node_id,
        text=thought.text,
        frame_path=thought.frame,
        generation=thought.generation,
    )
