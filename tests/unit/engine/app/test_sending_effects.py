"""What leaves the engine for a callee, and what it makes of the answers."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from libs.common.clock import SystemClock
from libs.common.contracts.chat import ChatPart
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.run_commands import AcceptRun
from libs.common.errors import Busy, CallerError, HeddleError
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.ledger import OutcomeUnknown, StaleEpoch
from libs.common.messaging.in_memory_bus import InMemoryBus
from services.engine.app.effects.dispatch_effect import EffectDispatcher
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Dispatch
from services.engine.domain.node_parts.effects import EffectError, EffectResult, RunCode
from tests.support.engine_callees import Callees

TENANT = UUID(int=1)
CLAIM = Claim(
    epoch=3,
    request=AcceptRun(tenant_id=TENANT, run_id=uuid7(), app_id=uuid4(), workflow_hash="0"),
    accepted_at=0.0,
)
DISPATCH = Dispatch(
    key="t/r/n/-/0/0",
    node_id="n",
    request=RunCode(call=CodeCall(language="python3", code="x"), timeout_seconds=5.0),
    effect_class="idempotent",
    request_hash="h",
)


class _Sink:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def parts(self, key: str, parts: Sequence[ChatPart]) -> None:
        raise NotImplementedError

    def complete(self, key: str, result: EffectResult) -> None:
        self.told.append(result)

    def fail(self, key: str, error: EffectError, *, definite: bool) -> None:
        self.told.append((error.error_type, definite))

    def superseded(self, reason: str) -> None:
        self.told.append("superseded")


def _cleared() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


async def _performed(
    bus: InMemoryBus, *errors: HeddleError, may_send: bool = True
) -> tuple[_Sink, Callees]:
    callees, sink = Callees(), _Sink()
    callees.errors = [*errors]
    await callees.serve(bus)
    dispatcher = EffectDispatcher(bus, clock=SystemClock(), may_send=lambda: may_send)
    await dispatcher.perform(CLAIM, DISPATCH, sink, cleared=_cleared())
    return sink, callees


async def test_an_effect_carries_its_key_epoch_class_and_hash(bus: InMemoryBus) -> None:
    sink, callees = await _performed(bus)
    (effect,) = callees.effects
    assert (effect.key, effect.epoch, effect.effect_class, effect.request_hash) == (
        DISPATCH.key,
        3,
        "idempotent",
        "h",
    )
    assert sink.told == [CodeResult(status="ok", result="X")]


async def test_nothing_is_sent_without_a_lease(bus: InMemoryBus) -> None:
    sink, callees = await _performed(bus, may_send=False)
    assert (callees.effects, sink.told) == ([], [])


async def test_a_higher_epoch_at_the_callee_stops_the_owner(bus: InMemoryBus) -> None:
    sink, _ = await _performed(bus, StaleEpoch("epoch 4 was seen"))
    assert sink.told == ["superseded"]


async def test_an_unknown_outcome_is_no_definite_end(bus: InMemoryBus) -> None:
    sink, _ = await _performed(bus, OutcomeUnknown("its holder died"))
    assert sink.told == [("OutcomeUnknown", False)]


async def test_a_platform_fault_on_record_is_not_asked_for_again(bus: InMemoryBus) -> None:
    sink, callees = await _performed(bus, Busy("no sandbox", extra={"recorded": True}))
    assert len(callees.effects) == 1
    assert sink.told == [("Busy", True)]


class _TheirOwn(CallerError):
    """As an error of another service arrives: its own code on a class that is known here."""


async def test_an_error_of_another_service_keeps_its_name(bus: InMemoryBus) -> None:
    refused = _TheirOwn("no")
    vars(refused).update(code="tool_failed")
    sink, _ = await _performed(bus, refused)
    assert sink.told == [("ToolFailed", True)]
