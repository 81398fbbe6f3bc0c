"""The model that an author chose for a node, and what is told of a call of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.contracts.chat import (
    ChatCall,
    ChatMessage,
    ImageContent,
    JsonSchemaFormat,
    TextContent,
    ToolDefinition,
    Usage,
)
from services.engine.domain.node_parts.model_parameters import (
    ModelParameters,
    parse_model_parameters,
)
from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.settings_reader import MISSING_FIELD, SettingsReader
from services.engine.domain.variables.values import Selector, Value

_USER: Selector = ("sys", "user_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """`id` is `vendor/model`. `completion`: it continues one text."""

    id: str
    mode: str
    parameters: ModelParameters

    @property
    def completion(self) -> bool:
        return self.mode == "completion"

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.parameters.references

    @property
    def identity(self) -> dict[str, Value]:
        vendor, _, name = self.id.partition("/")
        return {"model_provider": vendor, "model_name": name}

    def call(
        self,
        messages: Sequence[ChatMessage],
        variables: VariableReader,
        *,
        shape: JsonSchemaFormat | None = None,
        tools: tuple[ToolDefinition, ...] = (),
        stream: bool = True,
    ) -> ChatCall:
        """`shape` wins over a response format among the author's parameters."""
        user = variables.get(_USER)
        return ChatCall(
            model=self.id,
            messages=tuple(messages),
            parameters=self.parameters.resolve(variables),
            response_format=shape or self.parameters.response_format,
            tools=tools,
            user=user if isinstance(user, str) and user else None,
            stream=stream,
        )

    def process_data(self, messages: Sequence[ChatMessage]) -> dict[str, Value]:
        """What a trace shows of a call: the model, the messages' texts and their images."""
        prompts: list[Value] = [_shown(message) for message in messages]
        return {"model_mode": self.mode, "prompts": prompts, **self.identity}


def _shown(message: ChatMessage) -> Value:
    if isinstance(message.content, str):
        return {"role": message.role, "text": message.content, "files": []}
    texts = [part.text for part in message.content if isinstance(part, TextContent)]
    files = [_image(part) for part in message.content if isinstance(part, ImageContent)]
    return {"role": message.role, "text": "\n".join(texts), "files": [*files]}


def _image(part: ImageContent) -> Value:
    shown: dict[str, Value] = {"type": "image", "url": part.url, "detail": part.detail}
    return shown | ({"object_key": part.object_key} if part.object_key else {})


def usage_metadata(usage: Usage) -> dict[str, Value]:
    """What a run counts of a call."""
    return {
        "total_tokens": usage.total_tokens,
        "total_price": usage.total_price,
        "currency": usage.currency,
    }


def parse_chosen_model(settings: SettingsReader) -> ChosenModel:
    """From the node's `model`."""
    model = settings.section("model")
    return ChosenModel(
        id=_model_id(model),
        mode=model.text("mode") or "chat",
        parameters=parse_model_parameters(model),
    )


def _model_id(model: SettingsReader) -> str:
    """A provider may be spelled as a path ("org/plugin/provider"); its last part is the vendor.

    Exports without a chosen model exist, so a missing one is told at publishing and fails at run
    time.
    """
    provider = model.text("provider")
    name = model.text("name")
    for field, value in (("provider", provider), ("name", name)):
        if not value:
            model.warn(MISSING_FIELD, "must not be empty", field)
    vendor = provider.rpartition("/")[2]
    return f"{vendor}/{name}" if vendor else name
