"""OpenAI's wire under the workspace's key."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from libs.common.contracts.chat import (
    ChatCall,
    ChatCallPart,
    ChatResult,
    Completed,
    Failed,
    GenerationStarted,
    ModelEntry,
    ModelList,
    ModelQuery,
    TextPart,
    Usage,
)
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.subjects import CHAT, MODELS
from libs.common.errors import WireError
from tests.integration.backend.conftest import House, bearer


@pytest.fixture
async def asked(house: House) -> list[tuple[ChatCall, Envelope]]:
    """What inference was asked; it answers by the model's name."""
    calls: list[tuple[ChatCall, Envelope]] = []

    async def chat(call: ChatCall, envelope: Envelope) -> AsyncIterator[ChatCallPart]:
        calls.append((call, envelope))
        yield ChatCallPart(parts=(GenerationStarted(generation="g1"),))
        if call.model == "demo/away":
            error = WireError(code="provider_failed", status=502, message="refused")
            yield ChatCallPart(parts=(Failed(error=error),))
            return
        yield ChatCallPart(parts=(TextPart(text="Hel"), TextPart(text="lo")))
        usage = Usage(prompt_tokens=2, completion_tokens=1, total_tokens=3)
        result = ChatResult(generation="g1", model=call.model, text="Hello", usage=usage)
        yield ChatCallPart(parts=(Completed(result=result),))

    async def models(query: ModelQuery, _: Envelope) -> ModelList:
        assert query.tenant_id == house.tenant_id
        return ModelList(models=(ModelEntry(id="demo/x", vendor="demo", type="completion"),))

    await house.bus.serve_stream(CHAT, chat)
    await house.bus.serve(MODELS, models)
    return calls


def body(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}


async def test_a_completion_in_one_piece(
    house: House, asked: list[tuple[ChatCall, Envelope]]
) -> None:
    headers = bearer(house.keys.workspace_api_key)
    answer = await house.http.post("/v1/chat/completions", json=body("demo/x"), headers=headers)
    told = answer.json()
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["message"]["content"] == "Hello"
    assert told["usage"]["total_tokens"] == 3
    call, envelope = asked[0]
    assert call.model == "demo/x"
    assert envelope.tenant_id == house.tenant_id
    assert envelope.effect is None


async def test_a_completion_as_a_stream(
    house: House, asked: list[tuple[ChatCall, Envelope]]
) -> None:
    answer = await house.http.post(
        "/v1/chat/completions",
        json=body("demo/x", stream=True, stream_options={"include_usage": True}),
        headers=bearer(house.keys.workspace_api_key),
    )
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    chunks = [json.loads(line) for line in lines[:-1]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert text == "Hello"
    assert chunks[-1]["usage"]["total_tokens"] == 3
    assert len(asked) == 1


async def test_failures_have_openais_shape_and_status(
    house: House, asked: list[tuple[ChatCall, Envelope]]
) -> None:
    headers = bearer(house.keys.workspace_api_key)
    for stream in (False, True):
        refused = await house.http.post(
            "/v1/chat/completions", json=body("demo/away", stream=stream), headers=headers
        )
        assert refused.status_code == 502
        assert refused.json()["error"]["code"] == "provider_failed"
    invalid = await house.http.post("/v1/chat/completions", json={"model": 1}, headers=headers)
    assert invalid.status_code == 400
    assert invalid.json()["error"]["type"] == "invalid_request_error"
    nowhere = await house.http.get("/v1/models/none", headers=headers)
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "not_found")
    assert len(asked) == 2


async def test_models_are_listed(house: House, asked: list[tuple[ChatCall, Envelope]]) -> None:
    answer = await house.http.get("/v1/models", headers=bearer(house.keys.workspace_api_key))
    assert [model["id"] for model in answer.json()["data"]] == ["demo/x"]
    assert asked == []
