"""The official `openai` client, unmodified, under the workspace's key."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.e2e.world import Json, World, bearer

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


def test_a_prompt_of_two_megabytes_is_answered_at_once(world: World) -> None:
    body: Json = {
        "model": "demo/demo-chat",
        "messages": [{"role": "user", "content": "word " * 400_000}],
    }
    headers = bearer(world.platform.workspace_key)
    answer = world.http.post("/v1/chat/completions", json=body, headers=headers, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"].endswith("(400000 words)")
