"""Chat completion as it crosses the wall between engine, backend and inference.

One typed stream of parts for every provider. Shapes follow the common core of the providers'
public chat APIs.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from libs.common.errors import WireError


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextContent(_Frozen):
    type: Literal["text"] = "text"
    text: str


class ImageContent(_Frozen):
    """`url` is http(s) or a data URL; "" for a file of the run's tenant in the object store, which
    `object_key` names then. `detail` low, high or auto."""

    type: Literal["image"] = "image"
    url: str = ""
    detail: Literal["auto", "low", "high"] = "auto"
    object_key: str | None = None


Content = Annotated[TextContent | ImageContent, Field(discriminator="type")]


class ToolCallPart(_Frozen):
    """A complete call of an offered tool; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class ChatMessage(_Frozen):
    """One turn. `tool_call_id` is set on role `tool`, `tool_calls` on role `assistant`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | tuple[Content, ...] = ""
    tool_calls: tuple[ToolCallPart, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


class ToolDefinition(_Frozen):
    """A function the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, JsonValue] = {}


class JsonSchemaFormat(_Frozen):
    """The answer must be JSON that fits `json_schema`."""

    type: Literal["json_schema"] = "json_schema"
    name: str = "answer"
    json_schema: dict[str, JsonValue]


class JsonObjectFormat(_Frozen):
    type: Literal["json_object"] = "json_object"


class ChatCall(_Frozen):
    """A request. `model` is `vendor/model`. `parameters` are sampling options of the wire
    (temperature, top_p, max_tokens, stop, seed ...), checked against the model's sheet.
    `tool_choice` is auto, none, required or the name of one offered tool. `stream` says how the
    upstream is asked; the answer is a stream of parts either way."""

    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: str | None = None
    response_format: JsonSchemaFormat | JsonObjectFormat | None = None
    parameters: dict[str, JsonValue] = {}
    user: str | None = None
    stream: bool = True


class Usage(_Frozen):
    """Tokens and price of a call. Prices are decimal strings in `currency`."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_unit_price: str = "0"
    prompt_price_unit: str = "0"
    prompt_price: str = "0"
    completion_unit_price: str = "0"
    completion_price_unit: str = "0"
    completion_price: str = "0"
    total_price: str = "0"
    currency: str = "USD"
    latency: float = 0.0


class ChatResult(_Frozen):
    """The complete answer of one generation."""

    generation: str
    model: str
    text: str
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCallPart, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()


class GenerationStarted(_Frozen):
    """An upstream call began; parts that follow belong to `generation` until the next of these.

    `generation` is random and minted once per upstream call.
    """

    kind: Literal["generation_started"] = "generation_started"
    generation: str


class TextPart(_Frozen):
    kind: Literal["text"] = "text"
    text: str


class ReasoningPart(_Frozen):
    kind: Literal["reasoning"] = "reasoning"
    text: str


class RefusalPart(_Frozen):
    kind: Literal["refusal"] = "refusal"
    text: str


class ToolCallDelta(_Frozen):
    """A piece of the call at `index`; `id` and `name` come with its first piece."""

    kind: Literal["tool_call"] = "tool_call"
    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Completed(_Frozen):
    """The last part of a call that succeeded. Released after the result is on record."""

    kind: Literal["completed"] = "completed"
    result: ChatResult


class Failed(_Frozen):
    """The last part of a call that ended definitely without a result."""

    kind: Literal["failed"] = "failed"
    error: WireError


ChatPart = Annotated[
    GenerationStarted | TextPart | ReasoningPart | RefusalPart | ToolCallDelta | Completed | Failed,
    Field(discriminator="kind"),
]


class ChatCallPart(_Frozen):
    """One message of the stream: parts that arrived together."""

    parts: tuple[ChatPart, ...]


class ModelQuery(_Frozen):
    """`tenant_id` None lists what the platform offers to every tenant."""

    tenant_id: UUID | None = None


class ModelEntry(_Frozen):
    """`id` is `vendor/model`; `type` completion, embedding or rerank; `ready` False means that its
    credential is missing."""

    id: str
    vendor: str
    type: str
    context_tokens: int | None = None
    ready: bool = True


class ModelList(_Frozen):
    models: tuple[ModelEntry, ...]
