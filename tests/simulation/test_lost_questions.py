"""A question to a callee may get lost, and so may the next one."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from libs.common.contracts.chat import ChatPart
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.run_commands import AcceptRun
from libs.common.messaging.bus import MessageBus
from services.engine.app.effects.dispatch_effect import EffectDispatcher
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Dispatch
from services.engine.domain.node_parts.effects import EffectError, EffectResult, RunCode
from tests.simulation.world import Process, World

_DONE = CodeResult(status="ok", result="done")


class _LossyBus:
    """Loses the first `lost` questions: nobody ever answers them."""

    def __init__(self, process: Process, lost: int) -> None:
        self._process = process
        self._lost = lost
        self.asked_at: list[float] = []

    async def request(self, *_: object, **__: object) -> Any:
        self.asked_at.append(round(self._process.world.now))
        if len(self.asked_at) <= self._lost:
            await self._process.loop.create_future()
        return _DONE


class _Sink:
    def __init__(self) -> None:
        self.told: list[object] = []

    def parts(self, key: str, parts: Sequence[ChatPart]) -> None:
        raise NotImplementedError

    def complete(self, key: str, result: EffectResult) -> None:
        self.told.append(result)

    def fail(self, key: str, error: EffectError, *, definite: bool) -> None:
        self.told.append((error.error_type, definite))

    def superseded(self, reason: str) -> None:
        raise NotImplementedError


def _asked(lost: int, *, seconds: float) -> tuple[list[object], list[float]]:
    world = World("questions")
    process = Process(world)
    process.clock.rate = 1.0
    bus, sink = _LossyBus(process, lost), _Sink()
    tenant = UUID(int=1)
    request = AcceptRun(tenant_id=tenant, run_id=world.new_id(), app_id=tenant, workflow_hash="0")
    dispatch = Dispatch(
        key="t/r/n/-/0/0",
        node_id="n",
        request=RunCode(call=CodeCall(language="python3", code="x"), timeout_seconds=seconds),
        effect_class="idempotent",
        request_hash="h",
    )
    effects = EffectDispatcher(cast("MessageBus", bus), clock=process.clock, may_send=lambda: True)
    claim = Claim(epoch=1, request=request, accepted_at=0.0)
    cleared = process.loop.create_future()
    cleared.set_result(None)
    process.start(lambda: effects.perform(claim, dispatch, sink, cleared=cleared))
    world.run(seconds + 1.0)
    process.kill()
    return sink.told, bus.asked_at


def test_it_is_asked_again_after_silences_that_double() -> None:
    assert _asked(4, seconds=600.0) == ([_DONE], [0.0, 10.0, 30.0, 70.0, 150.0])


def test_silence_to_the_end_is_no_definite_end() -> None:
    told, asked_at = _asked(9, seconds=60.0)
    assert (told, asked_at) == ([("EffectTimeout", False)], [0.0, 10.0, 30.0])
