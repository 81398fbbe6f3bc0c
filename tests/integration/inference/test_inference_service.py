"""The whole service in this process, asked over a real NATS and over HTTP."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from libs.common.clock import SystemClock
from libs.common.contracts.chat import (
    ChatCall,
    ChatCallPart,
    ChatMessage,
    ChatPart,
    Completed,
    Failed,
    GenerationStarted,
    TextPart,
)
from libs.common.contracts.credentials import CredentialQuery, SealedCredential
from libs.common.contracts.envelope import Effect, Envelope
from libs.common.contracts.keyed_calls import CancelCall
from libs.common.contracts.subjects import CHAT, CHAT_CANCEL, CREDENTIAL
from libs.common.identifiers import uuid7
from libs.common.keyed_calls.ledger import CallStopped
from libs.common.lifespan import Lifespan
from libs.common.messaging.nats_bus import NatsBus
from libs.common.object_store.open_store import open_object_store
from libs.common.sealed_box import SealedBox
from services.inference.bootstrap import build
from services.inference.domain.errors import ModelUnknown
from services.inference.settings import InferenceSettings
from tests.support.databases import FreshDatabase
from tests.support.scripted_upstream import Answer, ScriptedUpstream, scripted_upstream
from tests.support.settled import settled

_SECONDS = 20.0
_MASTER_KEY = SecretStr(base64.b64encode(bytes(32)).decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    bus: NatsBus
    app: FastAPI
    upstream: ScriptedUpstream
    tenant_id: UUID
    run_id: UUID

    def envelope(self, call: str) -> Envelope:
        effect = Effect(
            run_id=self.run_id,
            epoch=1,
            key=f"{self.tenant_id}/{self.run_id}/n/-/0/{call}",
            request_hash="h",
            effect_class="model",
        )
        return Envelope(tenant_id=self.tenant_id, effect=effect)

    async def was_asked(self) -> bool:
        return bool(self.upstream.asked)

    def chat(
        self, text: str, envelope: Envelope, *, model: str = "openai/gpt-4o-mini"
    ) -> AsyncGenerator[ChatCallPart, None]:
        call = ChatCall(model=model, messages=(ChatMessage(role="user", content=text),))
        return self.bus.stream(
            CHAT, call, envelope=envelope, timeout=_SECONDS, idle_timeout=_SECONDS
        )


@pytest.fixture
async def world(
    migrated_database: FreshDatabase, nats_url: str, redis_url: str, object_store_url: str
) -> AsyncGenerator[World]:
    tenant_id = uuid7()
    settings = InferenceSettings(
        database_url=migrated_database.url,
        database_sweeper_url=migrated_database.sweeper_url,
        nats_url=nats_url,
        redis_url=redis_url,
        object_store_url=object_store_url,
        master_key=_MASTER_KEY,
    ).model_copy(update={"upstream_connections": 4})
    with scripted_upstream() as upstream:
        async with Lifespan() as lifespan:
            bus = NatsBus(
                nats_url,
                name="test",
                object_store=open_object_store(object_store_url),
                instance=str(uuid7()),
                clock=SystemClock(),
            )
            await lifespan.started("caller", bus)
            await bus.serve(CREDENTIAL, _credentials(upstream))
            host = await build(settings, lifespan)
            yield World(
                bus=bus, app=host.app, upstream=upstream, tenant_id=tenant_id, run_id=uuid7()
            )


def _credentials(upstream: ScriptedUpstream):
    async def answer(query: CredentialQuery, _envelope: Envelope) -> SealedCredential:
        sealed = SealedBox(_MASTER_KEY).seal(
            json.dumps({"api_key": "sk-a-secret-key"}).encode(),
            tenant_id=query.tenant_id,
            purpose=f"provider:{query.provider}",
        )
        return SealedCredential(found=True, sealed=sealed, base_url=upstream.url, revision=1)

    return answer


async def _parts(messages: AsyncIterator[ChatCallPart]) -> list[ChatPart]:
    return [part async for message in messages for part in message.parts]


def _text(parts: list[ChatPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


async def test_a_call_streams_typed_parts_and_is_priced(world: World) -> None:
    world.upstream.reset(lambda _: Answer(text="Good morning to you"))
    parts = await _parts(world.chat("hi", world.envelope("0")))
    assert isinstance(parts[0], GenerationStarted)
    assert _text(parts) == "Good morning to you"
    last = parts[-1]
    assert isinstance(last, Completed)
    assert last.result.text == "Good morning to you"
    assert last.result.usage.total_tokens == 14
    assert last.result.usage.total_price == "0.0000039"
    assert world.upstream.asked[0].headers["authorization"] == "Bearer sk-a-secret-key"


async def test_a_recorded_answer_is_not_paid_for_again(world: World) -> None:
    first = await _parts(world.chat("hi", world.envelope("0")))
    again = await _parts(world.chat("hi", world.envelope("0")))
    assert again == [first[-1]]
    assert len(world.upstream.asked) == 1


async def test_a_second_caller_follows_the_live_call_from_its_first_part(world: World) -> None:
    world.upstream.reset(lambda _: Answer(text="one two three four five", seconds_between=0.05))
    first = asyncio.create_task(_parts(world.chat("hi", world.envelope("0"))))
    await settled(world.was_asked)
    second = await _parts(world.chat("hi", world.envelope("0")))
    assert second == await first
    assert len(world.upstream.asked) == 1


async def test_a_keyed_call_survives_its_reader(world: World) -> None:
    world.upstream.reset(lambda _: Answer(text="one two three", seconds_between=0.05))
    async with aclosing(world.chat("hi", world.envelope("0"))) as messages:
        await anext(messages)
    parts = await _parts(world.chat("hi", world.envelope("0")))
    last = parts[-1]
    assert isinstance(last, Completed)
    assert last.result.text == "one two three"
    assert len(world.upstream.asked) == 1


async def test_a_refusal_is_recorded_and_told_as_the_last_part(world: World) -> None:
    world.upstream.reset(lambda _: Answer(text="quota used up", status=429))
    for _ in range(2):
        parts = await _parts(world.chat("hi", world.envelope("0")))
        last = parts[-1]
        assert isinstance(last, Failed)
        assert last.error.code == "provider_failed"
        assert last.error.upstream_status == 429
        assert "quota used up" in last.error.message
    assert len(world.upstream.asked) == 1


async def test_a_cancelled_call_stops_and_stays_stopped(world: World) -> None:
    world.upstream.reset(lambda _: Answer(text="word " * 400, seconds_between=0.05))
    envelope = world.envelope("0")
    reading = asyncio.create_task(_parts(world.chat("hi", envelope)))
    await settled(world.was_asked)
    assert envelope.effect is not None
    cancel = CancelCall(
        tenant_id=world.tenant_id, run_id=world.run_id, key=envelope.effect.key, epoch=1
    )
    answer = await world.bus.request(
        CHAT_CANCEL, cancel, envelope=Envelope(tenant_id=world.tenant_id), timeout=_SECONDS
    )
    assert answer.found
    with pytest.raises(CallStopped):
        await reading
    with pytest.raises(CallStopped):
        await _parts(world.chat("hi", envelope))


async def test_one_tenant_leaves_connections_to_the_others(world: World) -> None:
    long, short = Answer(text="word " * 400, seconds_between=0.05), Answer(text="quick")
    world.upstream.reset(lambda asked: long if asked.prompt == "long" else short)
    many = Envelope(tenant_id=world.tenant_id)
    readers = [asyncio.create_task(_parts(world.chat("long", many))) for _ in range(6)]

    async def three_are_asked() -> bool:
        return len(world.upstream.asked) == 3

    await settled(three_are_asked)
    other = await _parts(world.chat("hi", Envelope(tenant_id=uuid7())))
    assert _text(other) == "quick"
    # A quarter of the connections is never one tenant's.
    assert [asked.prompt for asked in world.upstream.asked] == ["long"] * 3 + ["hi"]
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


async def test_an_unknown_model_is_refused_before_anything_is_sent(world: World) -> None:
    with pytest.raises(ModelUnknown, match="demo/demo-chat"):
        await _parts(world.chat("hi", world.envelope("0"), model="demo/demo-chta"))
    assert not world.upstream.asked


async def _post(world: World, body: dict[str, object]) -> httpx.Response:
    transport = httpx.ASGITransport(app=world.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inference") as client:
        return await client.post("/v1/chat/completions", json=body)


async def test_openais_wire_answers_whole_and_streamed(world: World) -> None:
    message = {"role": "user", "content": "Good morning. All well?"}
    body: dict[str, object] = {"model": "demo/demo-chat", "messages": [message]}
    whole = (await _post(world, body)).json()
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["content"] == "You wrote: Good morning. (4 words)"
    options = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = await _post(world, body | options)
    lines = [line for line in streamed.text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    text = "".join(
        cast("str", choice["delta"].get("content", ""))
        for chunk in chunks
        for choice in chunk["choices"]
    )
    assert text == "You wrote: Good morning. (4 words)"
    assert chunks[-1]["usage"]["total_tokens"] > 0


async def test_openais_wire_tells_errors_in_its_own_shape(world: World) -> None:
    message = {"role": "user", "content": "hi"}
    answer = await _post(world, {"model": "demo/nothing", "messages": [message], "stream": True})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_unknown"
    empty = await _post(world, {"model": "demo/demo-chat"})
    assert empty.status_code == 400
    assert empty.json()["error"]["type"] == "invalid_request_error"
