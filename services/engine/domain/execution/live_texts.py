"""Publishing what model calls say while they speak, and settling it when they end.

A generation is announced before its first text. From then on it is accounted for in the journal,
whatever becomes of it: its text is committed, or withdrawn.
"""

from collections.abc import Sequence

from libs.common.contracts.chat import ChatPart
from services.engine.domain.events import journal
from services.engine.domain.execution.live_call import LiveCall, SpeakingPlace
from services.engine.domain.execution.node_progress import NodeProgress
from services.engine.domain.execution.run_state import RunState
from services.engine.domain.execution.step import Delta, Thought
from services.engine.domain.execution.step_writer import StepWriter
from services.engine.domain.node_parts.effects import CallModel


class LiveTexts:
    """The model calls under way whose text somebody may see. One speaks at a time: of those that
    stream on the selector whose turn it is, the one that was asked first."""

    __slots__ = ("_by_place", "_calls", "_state", "_writer")

    def __init__(self, state: RunState, writer: StepWriter) -> None:
        self._state = state
        self._writer = writer
        self._calls: dict[str, LiveCall] = {}
        self._by_place: dict[SpeakingPlace, dict[str, LiveCall]] = {}

    def listen(self, key: str, progress: NodeProgress, request: CallModel) -> None:
        """A call is sent, or sent again by another owner of the run."""
        selector = request.selector
        if selector is None:
            return
        inherited = key in self._state.announced
        call = LiveCall(key, progress, request, selector, inherited=inherited)
        self._calls[key] = call
        self._by_place.setdefault(call.place, {})[key] = call

    def hear(self, key: str, parts: Sequence[ChatPart]) -> None:
        """Parts of a call; they are published if it is the one that speaks."""
        call = self._calls.get(key)
        if call is None:
            return
        call.take(parts)
        if self._state.coordinator.speaking() == call.place:
            self._publish(call.place)

    def publish(self) -> None:
        """Publish what the speaking call has said beyond what was shown."""
        if not self._calls:
            return
        speaking = self._state.coordinator.speaking()
        if speaking is not None and speaking in self._by_place:
            self._publish(speaking)

    def completed(self, event: journal.EffectCompleted) -> None:
        """A result is about to be recorded: visible text that is not its beginning goes first."""
        call = self._forget(event.key)
        announced = self._state.announced
        if not announced or event.visible is None:
            return
        generation = announced.get(event.key)
        if generation is None:
            # A neighbour is heard at the place where this text will stand.
            speaking = self._state.coordinator.speaking()
            owner = self._state.owners.get(event.key)
            gone = (
                speaking is not None
                and owner is not None
                and speaking[0] == owner.frame
                and [*speaking[1]] == event.selector
            )
        elif call is not None and call.generation == generation == event.generation:
            gone = not event.visible.startswith(call.said())
        else:
            gone = generation != event.generation
        if gone:
            self._withdraw(self._state.coordinator.visible_length)

    def failures_swallowed(self, progress: NodeProgress) -> None:
        """A node goes on after calls of it failed: what they had shown is withdrawn."""
        failed = [key for key in progress.failures if self._forget(key) or key in self._announced]
        if any(key in self._announced for key in failed):
            self._withdraw(self._state.coordinator.visible_length)

    def abandoned(self, progress: NodeProgress) -> None:
        """The node starts over or is stood in for: all that it had shown is withdrawn."""
        shown = self._state.coordinator.shown_from(progress.frame, progress.node_id)
        if shown is None and any(key in self._announced for key in progress.dispatched):
            shown = self._state.coordinator.visible_length
        for key in progress.dispatched:
            self._forget(key)
        if shown is not None:
            self._withdraw(shown)

    def keep_said(self) -> None:
        """The run ends: text that was shown stays. What an earlier owner may have shown beyond
        what we know is withdrawn."""
        coordinator = self._state.coordinator
        for key, generation in list(self._announced.items()):
            call = self._calls.get(key)
            if call is not None and call.generation == generation:
                if said := call.said():
                    self._commit(call, said)
                if not call.inherited:
                    continue
            self._withdraw(coordinator.visible_length)

    def close(self) -> None:
        self._calls.clear()
        self._by_place.clear()

    @property
    def _announced(self) -> dict[str, str]:
        return self._state.announced

    def _publish(self, place: SpeakingPlace) -> None:
        call = next(iter(self._by_place[place].values()))
        if call.generation is None:
            return
        if self._announced.get(call.key) != call.generation:
            self._announce(call, call.generation)
        if thought := call.unheard_thoughts():
            self._writer.step.thoughts += (
                Thought(
                    text=thought,
                    node_id=call.node_id,
                    frame=call.frame,
                    generation=call.generation,
                ),
            )
        text = call.unseen()
        if not text:
            return
        self._writer.step.deltas += (
            Delta(
                from_offset=self._state.coordinator.visible_length + call.shown - len(text),
                text=text,
                node_id=call.node_id,
                selector=call.selector,
                frame=call.frame,
                generation=call.generation,
            ),
        )

    def _announce(self, call: LiveCall, generation: str) -> None:
        start = self._state.coordinator.visible_length
        if call.key in self._announced:
            self._withdraw(start)
        call.inherited = False
        self._writer.record(
            journal.GenerationStarted(
                at=self._writer.now,
                key=call.key,
                generation=generation,
                from_offset=start,
                node_id=call.node_id,
                selector=list(call.selector),
                frame=call.frame,
            )
        )

    def _withdraw(self, from_offset: int) -> None:
        for key in self._announced:
            if call := self._calls.get(key):
                call.hide()
        self._writer.record(journal.TextReplaced(at=self._writer.now, from_offset=from_offset))

    def _commit(self, call: LiveCall, said: str) -> None:
        self._writer.record(
            journal.TextCommitted(
                at=self._writer.now,
                from_offset=self._state.coordinator.visible_length,
                text=said,
                node_id=call.node_id,
                selector=list(call.selector),
                frame=call.frame,
                generation=call.generation,
            )
        )

    def _forget(self, key: str) -> LiveCall | None:
        call = self._calls.pop(key, None)
        if call is not None:
            calls = self._by_place[call.place]
            del calls[key]
            if not calls:
                del self._by_place[call.place]
        return call
