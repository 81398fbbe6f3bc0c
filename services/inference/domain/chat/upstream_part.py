"""What a wire yields: the contract's content parts, and two of its own that end a call."""

from dataclasses import dataclass

from libs.common.contracts.chat import ReasoningPart, RefusalPart, TextPart, ToolCallDelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """Tokens as the provider counted them."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The provider's own end of the answer: stop, length, tool_calls, content_filter ..."""

    reason: str


ContentPart = TextPart | ReasoningPart | RefusalPart | ToolCallDelta
UpstreamPart = ContentPart | TokenCount | Finish
