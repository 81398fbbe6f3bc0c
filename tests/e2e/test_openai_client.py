"""The official `openai` client, unmodified, under the workspace's key."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e.world import Json, World, bearer
from tests.support.scripted_upstream import Answer

pytestmark = pytest.mark.xdist_group("e2e")

MODEL = "demo/demo-chat"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Good morning to you."}]


@pytest.fixture
def client(world: World) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{world.url}/v1", api_key=world.platform.workspace_key, max_retries=0
    ) as opened:
        yield opened


def test_a_completion(client: openai.OpenAI) -> None:
    told = client.chat.completions.create(model=MODEL, messages=HELLO)
    assert told.choices[0].message.content == "You wrote: Good morning to you. (4 words)"
    assert told.choices[0].finish_reason == "stop"
    assert told.usage is not None
    assert told.usage.total_tokens == told.usage.prompt_tokens + told.usage.completion_tokens


def test_a_streamed_completion_says_the_same(client: openai.OpenAI) -> None:
    pieces: list[str] = []
    usage = None
    for chunk in client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
    ):
        pieces += [choice.delta.content or "" for choice in chunk.choices]
        usage = chunk.usage or usage
    assert "".join(pieces) == "You wrote: Good morning to you. (4 words)"
    assert len([piece for piece in pieces if piece]) > 3
    assert usage is not None


def test_the_models(client: openai.OpenAI) -> None:
    assert MODEL in [model.id for model in client.models.list()]


def test_an_offered_tool_is_called_and_its_answer_heard(client: openai.OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "What is the weather in the city of Oslo?"}
    ]
    told = client.chat.completions.create(
        model=MODEL,
        messages=messages,
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "description": "The weather of a city",
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    },
                },
            }
        ],
    )
    calls = told.choices[0].message.tool_calls
    assert told.choices[0].finish_reason == "tool_calls"
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.name == "get_weather"
    assert "city" in json.loads(calls[0].function.arguments)
    again = client.chat.completions.create(
        model=MODEL,
        messages=[
            *messages,
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": calls[0].id,
                        "type": "function",
                        "function": {
                            "name": calls[0].function.name,
                            "arguments": calls[0].function.arguments,
                        },
                    }
                ],
            },
            {"role": "tool", "tool_call_id": calls[0].id, "content": "sunny"},
        ],
    )
    assert again.choices[0].message.content == "The tool says: sunny"


def test_a_json_schema_is_filled(client: openai.OpenAI) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"email": {"type": "string"}, "amount": {"type": "number"}},
        "required": ["email", "amount"],
        "additionalProperties": False,
    }
    told = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Please bill ada@example.com an amount of 12.50."}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "bill", "schema": schema, "strict": True},
        },
    )
    filled = json.loads(told.choices[0].message.content or "")
    assert filled["email"] == "ada@example.com"
    assert isinstance(filled["amount"], int | float)


def test_refusals_are_the_clients_own_errors(world: World, client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="demo/none", messages=HELLO)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=[])
    stranger = openai.OpenAI(base_url=f"{world.url}/v1", api_key="ws-unknown", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()


@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_rate_limit_is_the_clients_own_error(
    world: World, client: openai.OpenAI, stream: bool
) -> None:
    world.provider(lambda _: Answer(status=429, text="slow down", retry_after="7"))
    with pytest.raises(openai.RateLimitError, match="slow down") as limited:
        client.chat.completions.create(model="openai/gpt-4o-mini", messages=HELLO, stream=stream)
    assert limited.value.code == "rate_limit_exceeded"
    assert limited.value.type == "rate_limit_error"
    assert limited.value.response.headers["retry-after"] == "7"


def test_a_key_that_was_just_set_is_used_at_once(world: World, client: openai.OpenAI) -> None:
    for _ in range(5):
        keys: list[str] = []
        for key in ("first", "second"):
            world.provider(lambda asked: Answer(text=asked.headers["authorization"]), key=key)
            told = client.chat.completions.create(model="openai/gpt-4o-mini", messages=HELLO)
            keys.append(told.choices[0].message.content or "")
        assert keys == ["Bearer first", "Bearer second"]


def test_a_wrong_key_of_the_provider_is_not_taken_for_the_callers(world: World) -> None:
    world.provider(lambda _: Answer(status=401, text="Incorrect API key provided"))
    with (
        openai.OpenAI(
            base_url=f"{world.url}/v1", api_key=world.platform.workspace_key, max_retries=2
        ) as client,
        pytest.raises(openai.InternalServerError, match="openai answered 401") as failed,
    ):
        client.chat.completions.create(model="openai/gpt-4o-mini", messages=HELLO)
    assert failed.value.status_code == 502
    assert failed.value.code == "provider_failed"
    # A repeat cannot help, and the client was told so.
    assert len(world.upstream.asked) == 1


def test_a_prompt_of_two_megabytes_is_answered_at_once(world: World) -> None:
    body: Json = {
        "model": "demo/demo-chat",
        "messages": [{"role": "user", "content": "word " * 400_000}],
    }
    headers = bearer(world.platform.workspace_key)
    answer = world.http.post("/v1/chat/completions", json=body, headers=headers, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"].endswith("(400000 words)")
