"""Sending effects to the services that perform them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NamedTuple

from libs.common.clock import Clock
from libs.common.contracts.envelope import Effect, Envelope
from libs.common.contracts.keyed_calls import CancelCall
from libs.common.contracts.subjects import (
    CALL_TOOL,
    CHAT_CANCEL,
    FETCH_HTTP,
    PLUGIN_CANCEL,
    READ_DOCUMENT,
    RUN_CODE,
    RUN_COMMAND,
)
from libs.common.errors import HeddleError
from libs.common.messaging.bus import MessageBus
from libs.common.retry_policy import RetryPolicy
from services.engine.app.effects.ask_plugin import ask_plugin
from services.engine.app.effects.call_model import call_model
from services.engine.app.effects.effect_sink import EffectSink
from services.engine.app.effects.keyed_call import KeyedCall
from services.engine.app.ports.run_store import Claim
from services.engine.domain.execution.step import Dispatch
from services.engine.domain.node_parts.effects import (
    CallModel,
    CallTool,
    EffectError,
    FetchHttp,
    ReadDocument,
    RunCode,
    RunCommand,
)

_log = logging.getLogger(__name__)

REDRIVE = RetryPolicy(
    name="redrive",
    attempts=1_000_000,
    first=timedelta(milliseconds=50),
    cap=timedelta(seconds=2),
    total=timedelta(days=1),
)
"""Asking a silent callee again under the same key; the effect's own time-out bounds the whole."""

_CANCEL_SECONDS = 5.0


class ReadyQuestion(NamedTuple):
    """A dispatch ready to be sent, which asks for its `question` as JSON."""

    envelope: Envelope
    question: bytes


class EffectDispatcher:
    """Performs dispatches over the bus. `may_send` says whether this worker's lease still holds."""

    def __init__(
        self,
        bus: MessageBus,
        *,
        clock: Clock,
        may_send: Callable[[], bool],
        again: RetryPolicy = REDRIVE,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._may_send = may_send
        self._again = again

    async def perform(
        self,
        claim: Claim,
        dispatch: Dispatch,
        sink: EffectSink,
        *,
        cleared: Awaitable[None],
    ) -> None:
        """Send once `cleared`, and follow to the end; the sink hears every outcome. Cancelling this
        only stops listening: the keyed call goes on at the callee.

        Sends nothing when the lease has run out: the run's next owner will.
        """
        # First the commit that we wait for goes on its way; what is asked is written meanwhile.
        await asyncio.sleep(0)
        ready = _ready(claim, dispatch)
        await cleared
        if self._may_send():
            await self._sent(claim, dispatch, ready, sink)

    async def _sent(
        self, claim: Claim, dispatch: Dispatch, ready: ReadyQuestion, sink: EffectSink
    ) -> None:
        try:
            await self._perform(dispatch, self._keyed(dispatch, ready, sink))
        except HeddleError as error:
            # What went wrong may quote a secret.
            _log.error(
                "effect %s broke off: %s",
                dispatch.key,
                type(error).__name__,
                exc_info=None if claim.request.has_secrets else error,
            )
            failed = EffectError(error.message, error_type=type(error).__name__, retryable=False)
            sink.fail(dispatch.key, failed, definite=False)

    async def cancel(self, claim: Claim, key: str, *, of_model: bool) -> None:
        """Tell the callee to stop; best effort, the end of the run says it durably."""
        subject = CHAT_CANCEL if of_model else PLUGIN_CANCEL
        message = CancelCall(
            tenant_id=claim.tenant_id, run_id=claim.run_id, key=key, epoch=claim.epoch
        )
        envelope = Envelope(tenant_id=claim.tenant_id)
        try:
            await self._bus.request(subject, message, envelope=envelope, timeout=_CANCEL_SECONDS)
        except HeddleError as error:
            _log.info("call %s was not cancelled: %s", key, error)

    async def _perform(self, dispatch: Dispatch, keyed: KeyedCall) -> None:
        match dispatch.request:
            case CallModel():
                await call_model(self._bus, keyed, again=self._again)
            case RunCode():
                await ask_plugin(self._bus, keyed, RUN_CODE, again=self._again)
            case FetchHttp():
                await ask_plugin(self._bus, keyed, FETCH_HTTP, again=self._again)
            case CallTool():
                await ask_plugin(self._bus, keyed, CALL_TOOL, again=self._again)
            case ReadDocument():
                await ask_plugin(self._bus, keyed, READ_DOCUMENT, again=self._again)
            case RunCommand():
                await ask_plugin(self._bus, keyed, RUN_COMMAND, again=self._again)

    def _keyed(self, dispatch: Dispatch, ready: ReadyQuestion, sink: EffectSink) -> KeyedCall:
        seconds = dispatch.request.timeout_seconds
        return KeyedCall(
            key=dispatch.key,
            envelope=ready.envelope,
            question=ready.question,
            sink=sink,
            clock=self._clock,
            seconds=seconds,
            deadline=self._clock.monotonic() + seconds,
        )


def _ready(claim: Claim, dispatch: Dispatch) -> ReadyQuestion:
    effect = Effect(
        run_id=claim.run_id,
        epoch=claim.epoch,
        key=dispatch.key,
        request_hash=dispatch.request_hash,
        effect_class=dispatch.effect_class,
    )
    sealed_run = claim.run_id if claim.request.has_secrets else None
    return ReadyQuestion(
        envelope=Envelope(tenant_id=claim.tenant_id, effect=effect, sealed_run=sealed_run),
        question=dispatch.request.call.model_dump_json().encode(),
    )
