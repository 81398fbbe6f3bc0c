"""An effect that is one question and one answer: sandboxed code, an HTTP request."""

import asyncio
from typing import TypeVar

from pydantic import BaseModel

from libs.common.contracts.code_execution import CodeResult
from libs.common.contracts.command_execution import CommandResult
from libs.common.contracts.document_text import DocumentText
from libs.common.contracts.http_call import HttpResult
from libs.common.contracts.subjects import Subject
from libs.common.contracts.tool_call import ToolResult
from libs.common.errors import HeddleError, UpstreamTimeout
from libs.common.messaging.bus import MessageBus
from libs.common.retry_policy import RetryPolicy
from services.engine.app.effects.effect_failure import (
    Meaning,
    effect_error,
    meaning_of,
    out_of_time,
)
from services.engine.app.effects.keyed_call import KeyedCall

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", CodeResult, HttpResult, ToolResult, DocumentText, CommandResult)

_SILENCE_SECONDS = 10.0


async def ask_plugin(
    bus: MessageBus,
    keyed: KeyedCall,
    subject: Subject[Req, Rep],
    *,
    again: RetryPolicy,
) -> None:
    """Ask until the sink has been told the answer, or why there is none.

    Nothing says that a callee died over a question, or that a question got lost. So after ten
    seconds, and then after twice as long each time, the same key is asked again beside the earlier
    questions: a living callee attaches it, another one takes over.
    """
    asking: set[asyncio.Task[None]] = set()
    tries = 0
    silence = _SILENCE_SECONDS
    try:
        while keyed.remaining > 0:
            asking.add(asyncio.ensure_future(_ask(bus, keyed, subject)))
            bound = max(min(silence, keyed.remaining), 0.0)
            done, asking = await asyncio.wait(
                asking, timeout=bound, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                silence *= 2
            for task in done:
                error = task.exception()
                if error is None:
                    return
                if not isinstance(error, HeddleError):
                    raise error
                if _is_final(keyed, error):
                    return
            if done and not asking:
                await keyed.back_off(tries, again)
                tries += 1
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    keyed.sink.fail(keyed.key, out_of_time(keyed.seconds), definite=False)


async def _ask(bus: MessageBus, keyed: KeyedCall, subject: Subject[Req, Rep]) -> None:
    timeout = max(keyed.remaining, 0.001)
    answer = await bus.request(subject, keyed.question, envelope=keyed.envelope, timeout=timeout)
    # Here, and not where the questions are waited for: that is a turn of the loop later.
    keyed.sink.complete(keyed.key, answer)


def _is_final(keyed: KeyedCall, error: HeddleError) -> bool:
    """Tell the sink, unless the error only means that nobody answered."""
    if isinstance(error, UpstreamTimeout) and keyed.remaining <= 0:
        # The bus's own bound ran out with ours; a callee's recorded time-out comes earlier.
        return False
    match meaning_of(error):
        case Meaning.SILENCE:
            return False
        case Meaning.SUPERSEDED:
            keyed.sink.superseded(error.message)
        case Meaning.UNKNOWN:
            keyed.sink.fail(keyed.key, effect_error(error), definite=False)
        case Meaning.DEFINITE:
            keyed.sink.fail(keyed.key, effect_error(error), definite=True)
    return True
