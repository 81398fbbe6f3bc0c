"""The demo vendor's wire: no network, only rules (see domain/demo/answer.py)."""

import re
from collections.abc import AsyncGenerator

from libs.common.clock import Clock
from libs.common.contracts.chat import TextPart, ToolCallDelta
from services.inference.app.ports.chat_wire import UpstreamCall
from services.inference.domain.chat.upstream_part import Finish, TokenCount, UpstreamPart
from services.inference.domain.demo.answer import demo_answer, plain_text

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")
_MOST_CHARACTERS_BY_WORD = 10_000
_LONG_PIECE = 4_000


class DemoWire:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def chat(self, upstream: UpstreamCall) -> AsyncGenerator[UpstreamPart, None]:
        """The demo answer word by word, a long one in pieces of 4,000 characters; tokens are
        words."""
        pause = upstream.model.sheet.options.get("seconds_between_words")
        answer = demo_answer(upstream.call)
        if answer.tool is not None:
            yield ToolCallDelta(
                index=0, id="call_demo_1", name=answer.tool, arguments=answer.arguments
            )
        else:
            for piece in _pieces(answer.text):
                if isinstance(pause, int | float):
                    await self._clock.sleep(float(pause))
                yield TextPart(text=piece)
        prompt = sum(len(plain_text(m).split()) for m in upstream.call.messages)
        said = len(answer.text.split()) if answer.tool is None else 1
        yield TokenCount(prompt=prompt, completion=said)
        yield Finish(reason="tool_calls" if answer.tool is not None else "stop")


def _pieces(text: str) -> list[str]:
    if len(text) <= _MOST_CHARACTERS_BY_WORD:
        return _PIECE.findall(text)
    return [text[at : at + _LONG_PIECE] for at in range(0, len(text), _LONG_PIECE)]
