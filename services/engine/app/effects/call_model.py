"""A model call as a stream of parts, followed to its recorded end."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from libs.common.contracts.chat import ChatCallPart, ChatPart, Completed, Failed
from libs.common.contracts.subjects import CHAT
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

_SILENCE_SECONDS = 10.0
"""The callee keeps a stream alive while it waits, so this much silence means that it is gone."""


async def call_model(bus: MessageBus, keyed: KeyedCall, *, again: RetryPolicy) -> None:
    """Follow the call, reconnecting under the same key, until the callee says how it ended."""
    tries = 0
    while keyed.remaining > 0:
        try:
            if await _follow(bus, keyed):
                return
        except HeddleError as error:
            match meaning_of(error):
                case Meaning.SUPERSEDED:
                    keyed.sink.superseded(error.message)
                    return
                case Meaning.UNKNOWN:
                    keyed.sink.fail(keyed.key, effect_error(error), definite=False)
                    return
                case Meaning.DEFINITE if _is_recorded(error):
                    keyed.sink.fail(keyed.key, effect_error(error), definite=True)
                    return
                case Meaning.DEFINITE | Meaning.SILENCE:
                    # Nobody says that the call has ended: ask again.
                    pass
        await keyed.back_off(tries, again)
        tries += 1
    keyed.sink.fail(keyed.key, out_of_time(keyed.seconds), definite=False)


async def _follow(bus: MessageBus, keyed: KeyedCall) -> bool:
    """One connection. True once the call has ended."""
    stream = bus.stream(
        CHAT,
        keyed.question,
        envelope=keyed.envelope,
        timeout=max(keyed.remaining, 0.0),
        idle_timeout=_SILENCE_SECONDS,
    )
    # The port says iterator; every adapter's is a generator, and closing it tells the callee.
    async with aclosing(cast("AsyncGenerator[ChatCallPart, None]", stream)) as messages:
        async for message in messages:
            if _deliver(keyed, message.parts):
                return True
    return False


def _deliver(keyed: KeyedCall, parts: tuple[ChatPart, ...]) -> bool:
    last = parts[-1] if parts else None
    match last:
        case Completed():
            if len(parts) > 1:
                keyed.sink.parts(keyed.key, parts[:-1])
            keyed.sink.complete(keyed.key, last.result)
            return True
        case Failed():
            if len(parts) > 1:
                keyed.sink.parts(keyed.key, parts[:-1])
            error = last.error.to_error()
            if meaning_of(error) is Meaning.SUPERSEDED:
                keyed.sink.superseded(error.message)
            else:
                definite = meaning_of(error) is not Meaning.UNKNOWN and _is_recorded(error)
                keyed.sink.fail(keyed.key, effect_error(error), definite=definite)
            return True
        case _:
            keyed.sink.parts(keyed.key, parts)
            return False


def _is_recorded(error: HeddleError) -> bool:
    # The bus, and a callee that only followed a call, run out of time without any record.
    return not isinstance(error, UpstreamTimeout) or bool(error.extra.get("recorded"))
