"""The world around one machine: callees that remember, a journal, an owner that can die.

What stands in the journal stays; what an owner did not journal never happened. Model text names its
place and its generation, `<node-attempt-call-generation:words>`, so that a splice shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from libs.common.contracts import run_events as public
from libs.common.contracts.chat import (
    ChatPart,
    ChatResult,
    GenerationStarted,
    TextPart,
    Usage,
)
from libs.common.contracts.code_execution import CodeResult
from services.engine.domain.events import journal
from services.engine.domain.execution.compile_workflow import CompiledWorkflow
from services.engine.domain.execution.opening import NO_OPENING, Opening
from services.engine.domain.execution.public_events import PublicView
from services.engine.domain.execution.run_machine import DEADLINE, RunMachine
from services.engine.domain.execution.step import Abort, Delta, Dispatch, Step
from services.engine.domain.layers.layer_stack import NO_GUARDS, Guards
from services.engine.domain.node_parts.effects import CallModel, EffectError
from services.engine.domain.variables.values import Value

T = TypeVar("T")
TENANT = UUID("00000000-0000-7000-8000-000000000001")
RUN = UUID("00000000-0000-7000-8000-000000000002")
ABORT = Abort(command_id="command", reason="enough")
BODY = "one two \N{SMILING FACE WITH SUNGLASSES}three"

Fails = Callable[[str, int, int], bool]
"""Whether the effect of (node, attempt, call) fails."""
Pick = Callable[[list[T]], T]


def never(_node: str, _attempt: int, _call: int) -> bool:
    return False


def place_of(key: str) -> tuple[str, int, int]:
    """Node, attempt and call of an effect's key; inside a container the node is `node@frame`."""
    _, _, node, frame, attempt, call = key.split("/")
    return node if frame == "-" else f"{node}@{frame}", int(attempt), int(call)


def begun(
    max_steps: int = 500,
    conversation: dict[str, Value] | None = None,
    max_tokens: int | None = None,
) -> journal.RunStarted:
    return journal.RunStarted(
        at=0.0,
        workflow_hash="hash",
        semantics_version=journal.SEMANTICS_VERSION,
        seed=1,
        clock=0.0,
        inputs={},
        system={"query": "hi"},
        conversation=conversation or {},
        max_steps=max_steps,
        max_tokens=max_tokens,
    )


@dataclass(slots=True)
class Callee:
    """One keyed call at its holder: it goes on whether or not anybody listens. `recorded` is what
    its record says, where that is not what it said."""

    dispatch: Dispatch
    generation: int = 0
    said: int = 0
    told: int = 0
    ended: bool = False
    recorded: str = ""

    @property
    def name(self) -> str:
        """The generation's id: never that of another call or of an earlier generation."""
        return "-".join(map(str, (*place_of(self.dispatch.key), self.generation)))

    @property
    def text(self) -> str:
        return f"<{self.name}:{BODY}>"


Heard = public.CommittedEvent | public.TextDelta


@dataclass(slots=True)
class World:
    """`events` is what is durable, `wire` what was published live, `completed` the keys whose
    end is durable, `order` what happened, for a replay. Every model call uses `tokens`."""

    workflow: CompiledWorkflow
    fails: Fails = never
    events: list[journal.JournalEvent] = field(default_factory=list[journal.JournalEvent])
    wire: list[Heard] = field(default_factory=list[Heard])
    order: list[str] = field(default_factory=list[str])
    calls: dict[str, Callee] = field(default_factory=dict[str, Callee])
    listening: dict[str, Callee] = field(default_factory=dict[str, Callee])
    timers: dict[str, float] = field(default_factory=dict[str, float])
    cancelled: list[str] = field(default_factory=list[str])
    now: float = 0.0
    finished: bool = False
    steps_taken: int = 0
    guards: Guards = NO_GUARDS
    tokens: int = 0
    machine: RunMachine = field(init=False)
    view: PublicView = field(init=False)

    def begin(
        self,
        max_steps: int = 500,
        opening: Opening = NO_OPENING,
        *,
        conversation: dict[str, Value] | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self._own()
        started = begun(max_steps, conversation, max_tokens)
        self._take(self.machine.begin(started, opening=opening))

    def crash(self) -> None:
        """The owner dies and another takes over from the journal."""
        self._own()
        for seq, event in enumerate(self.events, 1):
            self.machine.fold(event)
            self.view.tell(seq, event)
        self.listening.clear()
        self.timers.clear()
        self._take(self.machine.resume(self.now))

    def moves(self) -> list[str]:
        """What could happen next: an answer (by key) or a timer (by id)."""
        timers = [timer for timer in self.timers if timer != DEADLINE]
        return [*self.listening, *timers]

    def happen(self, move: str) -> None:
        """Let the answer come, or the timer ring."""
        self.now += 1.0
        self.order.append(move)
        if move in self.timers:
            self.now = max(self.now, self.timers.pop(move))
            self._take(self.machine.timer_due(move, self.now))
            return
        call = self.listening.pop(move)
        call.ended = True
        if self.fails(*place_of(move)):
            error = EffectError("refused", error_type="UpstreamError", retryable=True)
            self._take(self.machine.fail(move, error, definite=True, now=self.now))
        elif isinstance(call.dispatch.request, CallModel):
            result = ChatResult(
                generation=call.name,
                model="m",
                text=call.recorded or call.text,
                usage=Usage(total_tokens=self.tokens),
            )
            self._take(self.machine.complete(move, result, self.now))
        else:
            self._take(
                self.machine.complete(move, CodeResult(status="ok", result=move[-3:]), self.now)
            )

    def stop(self) -> None:
        """Somebody aborts the run."""
        self._take(self.machine.abort(ABORT, self.now))

    def speak(self, key: str, upto: int) -> None:
        """The call says its text up to `upto` code points, beginning with its generation."""
        call = self.listening[key]
        parts: list[ChatPart] = []
        if call.told < 0:
            parts.append(GenerationStarted(generation=call.name))
            call.told = 0
        call.said = max(call.said, min(upto, len(call.text)))
        if call.said > call.told:
            parts.append(TextPart(text=call.text[call.told : call.said]))
            call.told = call.said
        self._take(self.machine.parts(key, parts, self.now))

    def lose(self, key: str) -> None:
        """The call's holder dies; another one asks the model again."""
        call = self.calls[key]
        call.generation, call.said, call.told = call.generation + 1, 0, -1

    def speakers(self) -> list[str]:
        return [
            key
            for key, call in self.listening.items()
            if isinstance(call.dispatch.request, CallModel)
        ]

    def _own(self) -> None:
        self.machine = RunMachine(self.workflow, tenant_id=TENANT, run_id=RUN, guards=self.guards)
        self.view = PublicView(RUN, {})

    def _take(self, step: Step) -> None:
        self.steps_taken += 1
        for event in step.events:
            self.events.append(event)
            told = self.view.map(len(self.events), event)
            if told is not None:
                self.wire.append(told)
        self.wire.extend(self._delta(delta) for delta in step.deltas)
        self.timers.update({timer.timer_id: timer.due for timer in step.timers})
        self.cancelled.extend(step.cancels)
        for dispatch in step.dispatches:
            call = self.calls.setdefault(dispatch.key, Callee(dispatch))
            assert not self._on_record(dispatch.key), "a recorded call was sent again"
            assert call.dispatch.request_hash == dispatch.request_hash
            call.told = -1
            self.listening[dispatch.key] = call
        if step.finished:
            self.finished = True
        if step.unsettled:
            self._take(self.machine.go_on(self.now))

    def _on_record(self, key: str) -> bool:
        ends = (journal.EffectCompleted, journal.EffectFailed)
        return any(isinstance(event, ends) and event.key == key for event in self.events)

    def _delta(self, delta: Delta) -> public.TextDelta:
        return public.TextDelta(
            seq=self.view.last_seq,
            from_offset=delta.from_offset,
            text=delta.text,
            node_id=delta.node_id,
            selector=delta.selector,
            frame_path=delta.frame,
            generation=delta.generation,
        )


def run_to_end(world: World, pick: Pick[str]) -> journal.RunFinished:
    """Let everything happen in the order that `pick` chooses; the terminal event."""
    for _ in range(10_000):
        if world.finished:
            break
        moves = world.moves()
        assert moves, "the run waits for nothing and has not ended"
        world.happen(pick(moves))
    return ended(world)


def in_order(compiled: CompiledWorkflow, fails: Fails = never) -> World:
    """A run from its begin to its end, in which what was asked for first always happens first."""
    world = World(compiled, fails)
    world.begin()
    if not world.finished:
        run_to_end(world, lambda moves: moves[0])
    return world


def ended(world: World) -> journal.RunFinished:
    last = world.events[-1]
    assert isinstance(last, journal.RunFinished)
    assert sum(isinstance(event, journal.RunFinished) for event in world.events) == 1
    return last
