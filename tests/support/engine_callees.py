"""Scripted callees of the engine's effects: a model and a sandbox that count their calls."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from uuid import uuid4

from libs.common.contracts.chat import (
    ChatCall,
    ChatCallPart,
    ChatResult,
    Completed,
    GenerationStarted,
    ReasoningPart,
    TextPart,
    Usage,
)
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.envelope import Effect, Envelope
from libs.common.contracts.keyed_calls import CallCancelled, CancelCall
from libs.common.contracts.subjects import CHAT, CHAT_CANCEL, PLUGIN_CANCEL, RUN_CODE
from libs.common.errors import HeddleError, Unavailable
from libs.common.messaging.bus import MessageBus


class Callees:
    """`effects` are the calls as they arrived, `upstream` counts what each key did once.

    `gate` holds every answer while it is clear; code's only where `hold_code`. `errors` are raised
    first, one a call. A model call uses `tokens`. `thought` comes before the first word. `breaks`
    streams break off after their first word; with `loses_generation` another generation follows.
    """

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.upstream: Counter[str] = Counter()
        self.cancelled: list[CancelCall] = []
        self.errors: list[HeddleError] = []
        self.arrived = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.hold_code = True
        self.words = ("Hel", "lo")
        self.tokens = 0
        self.thought = ""
        self.breaks = 0
        self.loses_generation = False
        self._generations: dict[str, str] = {}

    async def serve(self, bus: MessageBus) -> None:
        await bus.serve_stream(CHAT, self._chat)
        await bus.serve(RUN_CODE, self._code)
        await bus.serve(CHAT_CANCEL, self._cancel)
        await bus.serve(PLUGIN_CANCEL, self._cancel)

    def _noted(self, envelope: Envelope) -> str:
        assert envelope.effect is not None
        self.effects.append(envelope.effect)
        self.arrived.set()
        if self.errors:
            raise self.errors.pop(0)
        key = envelope.effect.key
        if key not in self._generations:
            self._generations[key] = uuid4().hex
            self.upstream[key] += 1
        return key

    async def _chat(self, call: ChatCall, envelope: Envelope) -> AsyncGenerator[ChatCallPart, None]:
        key = self._noted(envelope)
        generation = self._generations[key]
        yield ChatCallPart(parts=(GenerationStarted(generation=generation),))
        if self.thought:
            yield ChatCallPart(parts=(ReasoningPart(text=self.thought),))
        yield ChatCallPart(parts=(TextPart(text=self.words[0]),))
        if self.breaks > 0:
            self.breaks -= 1
            if self.loses_generation:
                self._generations[key] = uuid4().hex
            raise Unavailable("the callee went away")
        await self.gate.wait()
        for word in self.words[1:]:
            yield ChatCallPart(parts=(TextPart(text=word),))
        usage = Usage(total_tokens=self.tokens)
        result = ChatResult(
            generation=generation, model=call.model, text="".join(self.words), usage=usage
        )
        yield ChatCallPart(parts=(Completed(result=result),))

    async def _code(self, call: CodeCall, envelope: Envelope) -> CodeResult:
        self._noted(envelope)
        if self.hold_code:
            await self.gate.wait()
        return CodeResult(status="ok", result=call.code.upper())

    async def _cancel(self, message: CancelCall, _envelope: Envelope) -> CallCancelled:
        self.cancelled.append(message)
        return CallCancelled(found=True)
