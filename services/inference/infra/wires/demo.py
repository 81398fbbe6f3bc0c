"""The demo vendor's wire: no network, only rules (see domain/demo/answer.py)."""

import re
from collections.abc import AsyncGenerator

from libs.common.clock import Clock
from libs.common.contracts.chat import TextPart, ToolCallDelta
from services.inference.app.ports.chat_wire import UpstreamCall
from services.inference.domain.chat.upstream_part import Finish, TokenCount, UpstreamPart
from services.inference.domain.demo.answer import demo_answer, plain_text

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")


class DemoWire:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def chat(self, upstream: UpstreamCall) -> AsyncGenerator[UpstreamPart, None]:
        """The demo answer word by word; tokens are words."""
        pause = upstream.model.sheet.options.get("seconds_between_words")
        answer = demo_answer(upstream.call)
        pieces = _PIECE.findall(answer.text) if answer.tool is None else [answer.arguments]
        if answer.tool is not None:
            yield ToolCallDelta(
                index=0, id="call_demo_1", name=answer.tool, arguments=answer.arguments
            )
        else:
            for piece in pieces:
                if isinstance(pause, int | float):
                    await self._clock.sleep(float(pause))
                yield TextPart(text=piece)
        prompt = sum(len(plain_text(m).split()) for m in upstream.call.messages)
        yield TokenCount(prompt=prompt, completion=len(pieces))
        yield Finish(reason="tool_calls" if answer.tool is not None else "stop")
