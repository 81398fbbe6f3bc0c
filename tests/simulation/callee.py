"""The services that perform effects, as one keyed callee that remembers what it answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from libs.common.contracts.chat import (
    ChatCallPart,
    ChatResult,
    Completed,
    GenerationStarted,
    TextPart,
)
from libs.common.contracts.code_execution import CodeResult
from libs.common.contracts.envelope import Effect
from libs.common.errors import HeddleError
from libs.common.keyed_calls.ledger import CallStopped, RunAlreadyEnded, StaleEpoch
from tests.simulation.audit import Audit
from tests.simulation.world import World

WORDS = ("One ", "two ", "three ", "four.")
Say = Callable[[ChatCallPart], None]
Answer = Callable[[CodeResult | HeddleError], None]


@dataclass(slots=True)
class _Call:
    generation: int = 0
    said: list[ChatCallPart] = field(default_factory=list[ChatCallPart])
    readers: list[Say] = field(default_factory=list[Say])
    askers: list[Answer] = field(default_factory=list[Answer])
    result: CodeResult | None = None
    stopped: bool = False


class Callee:
    """`forgetful` is the chance that a model's call loses its holder and begins again."""

    def __init__(self, world: World, audit: Audit) -> None:
        self.forgetful = 0.0
        self._world = world
        self._audit = audit
        self._calls: dict[str, _Call] = {}
        self._epochs: dict[UUID, int] = {}
        self._over: set[UUID] = set()

    def run_code(self, effect: Effect, code: str, answer: Answer) -> None:
        """`answer` is called once the call has ended, now or later."""
        call = self._admitted(effect, answer)
        if call is None:
            return
        if call.result is not None:
            answer(call.result)
            return
        call.askers.append(answer)
        if len(call.askers) == 1:
            self._begin(effect)
            self._world.after(self._duration(), lambda: self._coded(call, code))

    def chat(self, effect: Effect, say: Say, fail: Callable[[HeddleError], None]) -> None:
        """`say` hears the present generation from its first part to its end."""
        call = self._admitted(effect, fail)
        if call is None:
            return
        for part in call.said:
            say(part)
        call.readers.append(say)
        if len(call.readers) == 1 and not call.said:
            self._begin(effect)
            self._speak(effect, call)

    def cancel(self, run_id: UUID, key: str, epoch: int) -> None:
        if epoch >= self._epochs.get(run_id, 0):
            self._calls.setdefault(key, _Call()).stopped = True

    def run_ended(self, run_id: UUID) -> None:
        self._over.add(run_id)

    def _admitted(self, effect: Effect, refuse: Callable[[HeddleError], None]) -> _Call | None:
        highest = max(self._epochs.get(effect.run_id, 0), effect.epoch)
        self._epochs[effect.run_id] = highest
        call = self._calls.setdefault(effect.key, _Call())
        if effect.run_id in self._over:
            refuse(RunAlreadyEnded("The run has ended; it makes no more calls."))
        elif effect.epoch < highest:
            refuse(StaleEpoch("A newer owner of the run has been seen."))
        elif call.stopped:
            refuse(CallStopped("The call was cancelled."))
        else:
            return call
        return None

    def _begin(self, effect: Effect) -> None:
        self._audit.made(effect)

    def _duration(self) -> float:
        return self._world.random.expovariate(1 / 0.5)

    def _coded(self, call: _Call, code: str) -> None:
        call.result = CodeResult(status="ok", result=code.upper())
        askers, call.askers = call.askers, []
        for answer in askers:
            answer(call.result)

    def _speak(self, effect: Effect, call: _Call) -> None:
        generation = f"{effect.key}#{call.generation}"
        result = ChatResult(generation=generation, model="m", text="".join(WORDS))
        script = [
            ChatCallPart(parts=(GenerationStarted(generation=generation),)),
            *(ChatCallPart(parts=(TextPart(text=word),)) for word in WORDS),
            ChatCallPart(parts=(Completed(result=result),)),
        ]
        self._say_on(effect, call, script, call.generation)

    def _say_on(
        self, effect: Effect, call: _Call, script: list[ChatCallPart], generation: int
    ) -> None:
        if not script or call.generation != generation:
            return
        if self._world.random.random() < self.forgetful:
            # Its holder dies: another one makes the call anew for whoever asks again.
            call.generation, call.said, call.readers = generation + 1, [], []
            return
        call.said.append(script[0])
        for say in call.readers:
            say(script[0])
        self._world.after(
            self._duration() / len(WORDS),
            lambda: self._say_on(effect, call, script[1:], generation),
        )
