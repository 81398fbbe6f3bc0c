"""POST /v1/chat/completions: the answer, whole and as chunks."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec

from libs.common.contracts.chat import (
    ChatCallPart,
    ChatPart,
    ChatResult,
    Completed,
    Failed,
    GenerationStarted,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallDelta,
    Usage,
)
from libs.common.errors import HeddleError, UpstreamError
from libs.common.openai_wire.errors import error_body

DONE = b"data: [DONE]\n\n"
_encoder = msgspec.json.Encoder()

# The wire's documents are open-ended JSON objects.
Json = dict[str, Any]


async def whole_answer(parts: AsyncIterator[ChatCallPart], model: str) -> Json:
    """The `chat.completion` object. Raises what the call failed with."""
    async for message in parts:
        for part in message.parts:
            if isinstance(part, Completed):
                return _completion(part.result, model)
            if isinstance(part, Failed):
                raise part.error.to_error()
    raise UpstreamError("the answer ended before it was complete", retryable=True)


async def past_first_content(
    parts: AsyncGenerator[ChatCallPart, None],
) -> AsyncGenerator[ChatCallPart, None]:
    """The same parts, once the first content has come: what is refused before it raises here,
    while the answer can still have that error's HTTP status."""
    seen: list[ChatCallPart] = []
    async for message in parts:
        seen.append(message)
        for part in message.parts:
            if isinstance(part, Failed):
                await parts.aclose()
                raise part.error.to_error()
        if any(not isinstance(part, GenerationStarted) for part in message.parts):
            break
    return _resumed(seen, parts)


async def _resumed(
    seen: list[ChatCallPart], rest: AsyncGenerator[ChatCallPart, None]
) -> AsyncGenerator[ChatCallPart, None]:
    async with aclosing(rest):
        for message in seen:
            yield message
        async for message in rest:
            yield message


async def event_stream(
    parts: AsyncIterator[ChatCallPart], model: str, *, include_usage: bool
) -> AsyncGenerator[bytes, None]:
    """Server-sent `chat.completion.chunk` events, then `[DONE]`.

    What fails after the first event is told as an `error` event, which ends the stream.
    """
    created, identity = int(time.time()), "chatcmpl-heddle"
    first = True
    try:
        async for message in parts:
            for part in message.parts:
                if isinstance(part, GenerationStarted):
                    identity = f"chatcmpl-{part.generation}"
                    continue
                for chunk in _chunks(part, first=first, include_usage=include_usage):
                    yield _event({**chunk, **_head(identity, created, model)})
                    first = False
    except HeddleError as error:
        yield _event(error_body(error))
        return
    yield DONE


def _head(identity: str, created: int, model: str) -> Json:
    return {"id": identity, "object": "chat.completion.chunk", "created": created, "model": model}


def _chunks(part: ChatPart, *, first: bool, include_usage: bool) -> list[Json]:
    role: Json = {"role": "assistant"} if first else {}
    match part:
        case GenerationStarted():
            return []
        case TextPart():
            return [_choice({**role, "content": part.text})]
        case ReasoningPart():
            return [_choice({**role, "reasoning_content": part.text})]
        case RefusalPart():
            return [_choice({**role, "refusal": part.text})]
        case ToolCallDelta():
            return [_choice({**role, "tool_calls": [_tool_delta(part)]})]
        case Completed():
            ended = [_choice(role, part.result.finish_reason)]
            if include_usage:
                ended.append({"choices": [], "usage": _usage(part.result.usage)})
            return ended
        case Failed():
            raise part.error.to_error()


def _choice(delta: Json, finish_reason: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {"choices": [choice]}


def _tool_delta(part: ToolCallDelta) -> Json:
    function: Json = {"arguments": part.arguments}
    delta: Json = {"index": part.index, "function": function}
    if part.name is not None:
        function["name"] = part.name
    if part.id is not None:
        delta.update(id=part.id, type="function")
    return delta


def _completion(result: ChatResult, model: str) -> Json:
    message: Json = {
        "role": "assistant",
        "content": result.text or None if result.tool_calls else result.text,
        "refusal": result.refusal or None,
    }
    if result.reasoning:
        message["reasoning_content"] = result.reasoning
    if result.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in result.tool_calls
        ]
    choice: Json = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": result.finish_reason,
    }
    return {
        "id": f"chatcmpl-{result.generation}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": _usage(result.usage),
    }


def _usage(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def _event(data: Json) -> bytes:
    return b"data: " + _encoder.encode(data) + b"\n\n"
