"""Replies of OpenAI's chat completions API, streamed and whole, as typed parts.

Unknown fields are ignored: compatible vendors add their own. Reasoning is read from the fields
`reasoning_content` and `reasoning`, which the common vendors use.
"""

from collections.abc import Iterator

import msgspec

from libs.common.contracts.chat import ReasoningPart, RefusalPart, TextPart, ToolCallDelta
from services.inference.domain.chat.upstream_part import Finish, TokenCount, UpstreamPart
from services.inference.domain.errors import ProviderFailed, ProviderStreamBroken


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw | None = None


_decoder = msgspec.json.Decoder(_Reply)


def parts_of(data: bytes) -> Iterator[UpstreamPart]:
    """The parts in one chunk of a stream, or in a whole answer.

    Raises ProviderStreamBroken when `data` is not such JSON, ProviderFailed when it is an error.
    """
    try:
        reply = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        msg = f"the provider sent something that is not a chat completion: {cause}"
        raise ProviderStreamBroken(msg) from cause
    if reply.error is not None and bytes(reply.error) != b"null":
        msg = f"the provider reported an error in its stream: {bytes(reply.error)[:500].decode()}"
        raise ProviderFailed(msg, retryable=True)
    for choice in reply.choices or ():
        if choice.index == 0:
            yield from _choice_parts(choice)
    if reply.usage is not None and reply.usage.prompt_tokens is not None:
        yield TokenCount(
            prompt=reply.usage.prompt_tokens, completion=reply.usage.completion_tokens or 0
        )


def _choice_parts(choice: _Choice) -> Iterator[UpstreamPart]:
    message = choice.delta or choice.message
    if message is not None:
        reasoning = message.reasoning_content or message.reasoning
        if reasoning:
            yield ReasoningPart(text=reasoning)
        if message.content:
            yield TextPart(text=message.content)
        if message.refusal:
            yield RefusalPart(text=message.refusal)
        for position, call in enumerate(message.tool_calls or ()):
            function = call.function or _Function()
            yield ToolCallDelta(
                index=call.index if call.index is not None else position,
                id=call.id,
                name=function.name,
                arguments=function.arguments or "",
            )
    if choice.finish_reason:
        yield Finish(reason=choice.finish_reason)
