"""llm: one model call whose text streams to whoever shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.common.contracts.chat import ChatResult
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.chosen_model import (
    ChosenModel,
    parse_chosen_model,
    usage_metadata,
)
from services.engine.domain.node_parts.effects import CallModel
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.prompting import Prompt, parse_prompt
from services.engine.domain.node_parts.reasoning import (
    PART_FILTERS,
    THOUGHT_FILTERS,
    split_reasoning,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.node_parts.structured_output import (
    StructuredOutput,
    StructuredOutputInvalid,
    parse_structured_output,
)
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmNode:
    """`separated` takes thoughts out of the text."""

    model: ChosenModel
    prompt: Prompt
    structured: StructuredOutput | None
    separated: bool
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return (*self.prompt.references, *self.model.references)

    @property
    def output_types(self) -> OutputTypes:
        shaped = {} if self.structured is None else {"structured_output": ValueType.OBJECT}
        return {
            "text": ValueType.STRING,
            "reasoning_content": ValueType.STRING,
            "usage": ValueType.OBJECT,
            "finish_reason": ValueType.STRING,
            **shaped,
        }

    @property
    def effect_class(self) -> NodeEffect:
        return "model"

    def run(self, context: NodeContext) -> NodeRun:
        messages = self.prompt.build(context)
        process_data = self.model.process_data(messages)
        shape = self.structured.response_format if self.structured else None
        call = self.model.call(messages, context.variables, shape=shape)
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
            metadata=usage_metadata(answer.usage),
        )


def parse_llm(node_id: str, data: Mapping[str, Value]) -> LlmNode:
    settings = SettingsReader(data)
    model = parse_chosen_model(settings)
    reasoning = settings.text("reasoning_format", "tagged")
    return LlmNode(
        model=model,
        prompt=parse_prompt(settings, completion=model.completion),
        structured=parse_structured_output(settings),
        separated=reasoning == "separated",
        problems=settings.problems,
    )
