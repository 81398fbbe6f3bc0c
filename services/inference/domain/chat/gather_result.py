"""The fold of one generation's parts into its complete result."""

from dataclasses import dataclass, field

from libs.common.contracts.chat import (
    ChatResult,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallDelta,
    ToolCallPart,
    Usage,
)
from services.inference.domain.chat.upstream_part import Finish, TokenCount, UpstreamPart


@dataclass(slots=True)
class _OpenCall:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])


class ResultGatherer:
    """Takes parts in order; `result` may be asked at any time."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, _OpenCall] = {}
        self.tokens: TokenCount | None = None
        self.finish_reason: str | None = None

    def add(self, part: UpstreamPart) -> None:
        """Take the next part."""
        match part:
            case TextPart():
                self._text.append(part.text)
            case ReasoningPart():
                self._reasoning.append(part.text)
            case RefusalPart():
                self._refusal.append(part.text)
            case ToolCallDelta():
                self._add_tool_call(part)
            case TokenCount():
                self.tokens = part
            case Finish():
                self.finish_reason = part.reason

    def result(self, *, generation: str, model: str, usage: Usage) -> ChatResult:
        """All that was gathered."""
        return ChatResult(
            generation=generation,
            model=model,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            refusal="".join(self._refusal),
            tool_calls=tuple(
                ToolCallPart(id=call.id, name=call.name, arguments="".join(call.arguments))
                for _, call in sorted(self._calls.items())
            ),
            finish_reason=self.finish_reason or "stop",
            usage=usage,
        )

    def _add_tool_call(self, part: ToolCallDelta) -> None:
        call = self._calls.setdefault(part.index, _OpenCall())
        call.id = part.id or call.id
        call.name = part.name or call.name
        call.arguments.append(part.arguments)
