"""Sending effects to the services that perform them."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel

from libs.common.clock import Clock
from libs.common.contracts.code_execution import CodeResult
from libs.common.contracts.command_execution import CommandResult
from libs.common.contracts.document_text import DocumentText
from libs.common.contracts.envelope import Effect, Envelope
from libs.common.contracts.http_call import HttpResult
from libs.common.contracts.keyed_calls import CancelCall
from libs.common.contracts.subjects import (
    CALL_TOOL,
    CHAT_CANCEL,
    FETCH_HTTP,
    PLUGIN_CANCEL,
    READ_DOCUMENT,
    RUN_CODE,
    RUN_COMMAND,
    Subject,
)
from libs.common.contracts.tool_call import ToolResult
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

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", CodeResult, HttpResult, ToolResult, DocumentText, CommandResult)

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

    async def perform(self, claim: Claim, dispatch: Dispatch, sink: EffectSink) -> None:
        """Send and follow to the end; the sink hears every outcome. Cancelling this only stops
        listening: the keyed call goes on at the callee.

        Sends nothing when the lease has run out: the run's next owner will.
        """
        if not self._may_send():
            return
        try:
            await self._perform(claim, dispatch, sink)
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

    async def _perform(self, claim: Claim, dispatch: Dispatch, sink: EffectSink) -> None:
        keyed = self._keyed(claim, dispatch, sink, dispatch.request.timeout_seconds)
        match dispatch.request:
            case CallModel(call=call):
                await call_model(self._bus, keyed, call, again=self._again)
            case RunCode(call=call):
                await self._ask(keyed, RUN_CODE, call)
            case FetchHttp(call=call):
                await self._ask(keyed, FETCH_HTTP, call)
            case CallTool(call=call):
                await self._ask(keyed, CALL_TOOL, call)
            case ReadDocument(call=call):
                await self._ask(keyed, READ_DOCUMENT, call)
            case RunCommand(call=call):
                await self._ask(keyed, RUN_COMMAND, call)

    async def _ask(self, keyed: KeyedCall, subject: Subject[Req, Rep], call: Req) -> None:
        answer = await ask_plugin(self._bus, keyed, subject, call, again=self._again)
        if answer is not None:
            keyed.sink.complete(keyed.key, answer)

    def _keyed(
        self, claim: Claim, dispatch: Dispatch, sink: EffectSink, seconds: float
    ) -> KeyedCall:
        effect = Effect(
            run_id=claim.run_id,
            epoch=claim.epoch,
            key=dispatch.key,
            request_hash=dispatch.request_hash,
            effect_class=dispatch.effect_class,
        )
        return KeyedCall(
            tenant_id=claim.tenant_id,
            effect=effect,
            sink=sink,
            clock=self._clock,
            seconds=seconds,
            deadline=self._clock.monotonic() + seconds,
            sealed=claim.request.has_secrets,
        )
