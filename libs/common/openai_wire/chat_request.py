"""POST /v1/chat/completions: the request."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.contracts.chat import (
    ChatCall,
    ChatMessage,
    Content,
    ImageContent,
    JsonObjectFormat,
    JsonSchemaFormat,
    TextContent,
    ToolCallPart,
    ToolDefinition,
)


class _Open(BaseModel):
    # The wire grows fields faster than anybody follows; what we do not know is left alone.
    model_config = ConfigDict(frozen=True, extra="ignore")


class TextPart(_Open):
    type: Literal["text"]
    text: str


class ImageUrl(_Open):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(_Open):
    type: Literal["image_url"]
    image_url: ImageUrl


MessagePart = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class FunctionCall(_Open):
    name: str
    arguments: str = "{}"


class ToolCall(_Open):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(_Open):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | tuple[MessagePart, ...] | None = None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_call_id: str | None = None


class Function(_Open):
    name: str
    description: str = ""
    parameters: dict[str, JsonValue] = {}


class Tool(_Open):
    type: Literal["function"]
    function: Function


class NamedFunction(_Open):
    name: str


class NamedToolChoice(_Open):
    type: Literal["function"]
    function: NamedFunction


class SchemaBody(_Open):
    name: str = "answer"
    json_schema: dict[str, JsonValue] = Field(default={}, alias="schema")


class ResponseFormat(_Open):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: SchemaBody | None = None


class StreamOptions(_Open):
    include_usage: bool = False


class ChatCompletionRequest(_Open):
    """The fields that Heddle acts on; sampling options travel to the provider as they are."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    stream_options: StreamOptions | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    response_format: ResponseFormat | None = None
    user: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    stop: str | tuple[str, ...] | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: str | None = None
    parallel_tool_calls: bool | None = None
    n: Literal[1] | None = None

    def to_call(self) -> ChatCall:
        """The same request as inference understands it."""
        return ChatCall(
            model=self.model,
            messages=tuple(_message(message) for message in self.messages),
            tools=tuple(
                ToolDefinition(
                    name=tool.function.name,
                    description=tool.function.description,
                    parameters=tool.function.parameters,
                )
                for tool in self.tools or ()
            ),
            tool_choice=(
                self.tool_choice.function.name
                if isinstance(self.tool_choice, NamedToolChoice)
                else self.tool_choice
            ),
            response_format=_format(self.response_format),
            parameters=self._parameters(),
            user=self.user,
            stream=self.stream,
        )

    def _parameters(self) -> dict[str, JsonValue]:
        named: dict[str, JsonValue] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens or self.max_completion_tokens,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "seed": self.seed,
            "stop": list(self.stop) if isinstance(self.stop, tuple) else self.stop,
            "logit_bias": {**self.logit_bias} if self.logit_bias else None,
            "reasoning_effort": self.reasoning_effort,
            "parallel_tool_calls": self.parallel_tool_calls,
        }
        return {name: value for name, value in named.items() if value is not None}


def _message(message: Message) -> ChatMessage:
    role = "system" if message.role == "developer" else message.role
    return ChatMessage(
        role=role,
        content=_content(message.content),
        name=message.name,
        tool_call_id=message.tool_call_id,
        tool_calls=tuple(
            ToolCallPart(id=call.id, name=call.function.name, arguments=call.function.arguments)
            for call in message.tool_calls or ()
        ),
    )


def _content(content: str | tuple[TextPart | ImagePart, ...] | None) -> str | tuple[Content, ...]:
    if content is None or isinstance(content, str):
        return content or ""
    return tuple(
        TextContent(text=part.text)
        if isinstance(part, TextPart)
        else ImageContent(url=part.image_url.url, detail=part.image_url.detail)
        for part in content
    )


def _format(asked: ResponseFormat | None) -> JsonSchemaFormat | JsonObjectFormat | None:
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        return JsonObjectFormat()
    body = asked.json_schema or SchemaBody()
    return JsonSchemaFormat(name=body.name, json_schema=body.json_schema)
