"""The wire against a real HTTP server on loopback that misbehaves on demand."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from libs.common.clock import SystemClock
from libs.common.contracts.chat import (
    ChatCall,
    ChatMessage,
    Content,
    ImageContent,
    TextContent,
    TextPart,
    ToolCallDelta,
)
from libs.common.errors import UpstreamTimeout
from services.inference.app.ports.chat_wire import OpenedCredential, UpstreamCall
from services.inference.domain.catalogue.catalogue import ResolvedModel
from services.inference.domain.catalogue.sheets import ModelSheet, ProviderSheet
from services.inference.domain.chat.upstream_part import Finish, TokenCount, UpstreamPart
from services.inference.domain.errors import ProviderFailed, ProviderStreamBroken
from services.inference.infra.wires import openai_compatible
from services.inference.infra.wires.openai_compatible import OpenAiCompatibleWire

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def _upstream(handler: Handler) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


async def _collect(
    base_url: str, *, stream: bool = True, content: str | tuple[Content, ...] = "hi"
) -> list[UpstreamPart]:
    provider = ProviderSheet(id="acme", name="Acme", wire="openai_compatible")
    upstream = UpstreamCall(
        model=ResolvedModel(provider=provider, sheet=ModelSheet(id="m"), upstream_name="m"),
        call=ChatCall(
            model="acme/m", messages=(ChatMessage(role="user", content=content),), stream=stream
        ),
        credential=OpenedCredential(base_url=base_url, values={"api_key": "s3cret-value"}),
        connect_seconds=2.0,
        idle_seconds=0.3,
    )
    async with aiohttp.ClientSession() as session:
        wire = OpenAiCompatibleWire(session, SystemClock())
        return [part async for part in wire.chat(upstream)]


def _events(*chunks: object, done: bool = True) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        if done:
            await response.write(b"data: [DONE]\n\n")
        return response

    return handler


def _delta(**delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


_STOP: dict[str, object] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
_USAGE: dict[str, object] = {
    "choices": [],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


async def test_a_stream_becomes_typed_parts() -> None:
    tool: dict[str, object] = {
        "index": 0,
        "id": "c1",
        "function": {"name": "f", "arguments": "{}"},
    }
    handler = _events(_delta(content="Hel"), _delta(content="lo", tool_calls=[tool]), _STOP, _USAGE)
    async with _upstream(handler) as url:
        parts = await _collect(url)
    assert parts == [
        TextPart(text="Hel"),
        TextPart(text="lo"),
        ToolCallDelta(index=0, id="c1", name="f", arguments="{}"),
        TokenCount(prompt=3, completion=2),
        Finish(reason="stop"),
    ]


async def test_images_are_sent_as_parts_of_their_message() -> None:
    sent: list[object] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        sent.extend((await request.json())["messages"])
        message = {"role": "assistant", "content": "A cat."}
        return web.json_response(
            {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        )

    url = "https://x.test/cat.png"
    shown = (ImageContent(url=url, detail="high"), TextContent(text="What is it?"))
    async with _upstream(handler) as base_url:
        await _collect(base_url, stream=False, content=shown)
    assert sent == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
                {"type": "text", "text": "What is it?"},
            ],
        }
    ]


async def test_a_whole_answer_becomes_the_same_parts() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert "stream" not in await request.json()
        message = {"role": "assistant", "content": "Hello"}
        return web.json_response(
            {
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2},
            }
        )

    async with _upstream(handler) as url:
        parts = await _collect(url, stream=False)
    assert set(map(type, parts)) == {TextPart, TokenCount, Finish}


async def test_a_refusal_keeps_status_and_words_but_no_secret() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        words = f"bad key {request.headers['authorization']}"
        return web.json_response(
            {"error": {"message": words}}, status=429, headers={"Retry-After": "7"}
        )

    async with _upstream(handler) as url:
        with pytest.raises(ProviderFailed, match="bad key") as refused:
            await _collect(url)
    assert "s3cret-value" not in str(refused.value)
    assert refused.value.upstream_status == 429
    assert refused.value.retryable
    assert refused.value.retry_after == 7.0


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        (429, "0.5", 0.5),
        (503, "-3", 0.0),
        (429, "1e999", 86_400.0),
        (429, "9" * 400, 86_400.0),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        (429, "Wed, 21 Oct 9999 07:28:00 GMT", 86_400.0),
        (429, "nan", None),
        (429, "soon", None),
        (400, "7", None),
    ],
)
async def test_how_long_a_provider_asks_to_wait(
    status: int, asked: str, seconds: float | None
) -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=status, headers={"Retry-After": asked})

    async with _upstream(handler) as url:
        with pytest.raises(ProviderFailed) as refused:
            await _collect(url)
    assert refused.value.retry_after == seconds
    assert refused.value.retryable is (status != 400)


async def test_a_stream_cut_before_its_finish_is_an_error() -> None:
    async with _upstream(_events(_delta(content="Hel"), done=False)) as url:
        with pytest.raises(ProviderStreamBroken, match="before its answer was finished"):
            await _collect(url)


async def test_a_chunk_that_is_not_json_is_an_error() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: {broken\n\n")
        return response

    async with _upstream(handler) as url:
        with pytest.raises(ProviderStreamBroken):
            await _collect(url)


async def test_silence_is_a_time_out() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        assert request.transport is not None
        while not request.transport.is_closing():
            await SystemClock().sleep(0.01)
        return response

    async with _upstream(handler) as url:
        with pytest.raises(UpstreamTimeout, match="silent"):
            await _collect(url)


async def test_nobody_listening_is_a_provider_failure() -> None:
    with pytest.raises(ProviderFailed, match="cannot reach acme"):
        await _collect("http://127.0.0.1:1/v1")


async def test_a_stream_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted unpacked: a small answer can be a large one, and none of it need be an event."""
    monkeypatch.setattr(openai_compatible, "_MAX_ANSWER_BYTES", 1_000_000)
    said = f"data: {json.dumps(_delta(content='x'))}\n\ndata: {json.dumps(_STOP)}\n\n"
    packed = gzip.compress(b": nothing\n" * 200_000 + said.encode())

    async def handler(request: web.Request) -> web.StreamResponse:
        headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await response.write(packed)
        return response

    async with _upstream(handler) as url:
        with pytest.raises(ProviderStreamBroken, match="exceeds 1000000 bytes"):
            await _collect(url)


async def test_a_provider_that_drips_for_ever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_compatible, "_LONGEST_SECONDS", 0.5)
    left = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b":")
                await asyncio.sleep(0.02)
        finally:
            left.set()

    async with _upstream(handler) as url:
        with pytest.raises(UpstreamTimeout, match="had not ended"):
            await _collect(url)
        async with asyncio.timeout(5):
            await left.wait()
