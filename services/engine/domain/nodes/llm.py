"""llm: one model call whose text streams to whoever shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.common.contracts.chat import ChatCall, ChatMessage, ChatResult
from services.engine.domain.node_parts.effects import CallModel
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.model_parameters import (
    ModelParameters,
    parse_model_parameters,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    Problem,
)
from services.engine.domain.node_parts.prompting import Prompt, parse_prompt
from services.engine.domain.node_parts.reasoning import (
    PART_FILTERS,
    THOUGHT_FILTERS,
    split_reasoning,
)
from services.engine.domain.node_parts.settings_reader import MISSING_FIELD, SettingsReader
from services.engine.domain.node_parts.structured_output import (
    StructuredOutput,
    StructuredOutputInvalid,
    parse_structured_output,
)
from services.engine.domain.variables.values import Selector, Value

_USER: Selector = ("sys", "user_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmNode:
    """`model` is `vendor/model`; `separated` takes thoughts out of the text."""

    model: str
    mode: str
    prompt: Prompt
    parameters: ModelParameters
    structured: StructuredOutput | None
    separated: bool
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return (*self.prompt.references, *self.parameters.references)

    def run(self, context: NodeContext) -> NodeRun:
        messages = self.prompt.build(context)
        process_data = self._process_data(messages)
        user = context.variables.get(_USER)
        structured = self.structured
        call = ChatCall(
            model=self.model,
            messages=messages,
            parameters=self.parameters.resolve(context.variables),
            response_format=(
                structured.response_format if structured else self.parameters.response_format
            ),
            user=user if isinstance(user, str) and user else None,
        )
        reasoning = "separated" if self.separated else "tagged"
        effect = CallModel(
            call=call,
            visible=PART_FILTERS[reasoning],
            thoughts=THOUGHT_FILTERS[reasoning],
            selector=(context.node_id, "text"),
        )
        answer = expect(ChatResult, (yield effect))
        return self._result(answer, process_data)

    def _result(self, answer: ChatResult, process_data: dict[str, Value]) -> NodeResult:
        said, thought = split_reasoning(answer.text) if self.separated else (answer.text, "")
        usage: Value = answer.usage.model_dump()
        outputs: dict[str, Value] = {
            "text": said,
            "reasoning_content": "\n".join(filter(None, (answer.reasoning, thought))),
            "usage": usage,
            "finish_reason": answer.finish_reason,
        }
        process_data = {**process_data, "usage": usage, "finish_reason": answer.finish_reason}
        if self.structured is not None:
            try:
                # A thought before the JSON is no part of it, whatever the node shows.
                outputs["structured_output"] = self.structured.read(split_reasoning(answer.text)[0])
            except StructuredOutputInvalid as invalid:
                raise NodeFailure(
                    str(invalid), error_type="LLMNodeError", process_data=process_data
                ) from invalid
        return NodeResult(
            outputs=outputs,
            process_data=process_data,
            metadata={
                "total_tokens": answer.usage.total_tokens,
                "total_price": answer.usage.total_price,
                "currency": answer.usage.currency,
            },
        )

    def _process_data(self, messages: tuple[ChatMessage, ...]) -> dict[str, Value]:
        vendor, _, name = self.model.partition("/")
        prompts: list[Value] = [
            {
                "role": message.role,
                "text": message.content if isinstance(message.content, str) else "",
                "files": [],
            }
            for message in messages
        ]
        return {
            "model_mode": self.mode,
            "prompts": prompts,
            "model_provider": vendor,
            "model_name": name,
        }


def parse_llm(node_id: str, data: Mapping[str, Value]) -> LlmNode:
    settings = SettingsReader(data)
    model = settings.section("model")
    mode = model.text("mode") or "chat"
    reasoning = settings.text("reasoning_format", "tagged")
    return LlmNode(
        model=_model_name(model),
        mode=mode,
        prompt=parse_prompt(settings, completion=mode == "completion"),
        parameters=parse_model_parameters(model),
        structured=parse_structured_output(settings),
        separated=reasoning == "separated",
        problems=settings.problems,
    )


def _model_name(model: SettingsReader) -> str:
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
