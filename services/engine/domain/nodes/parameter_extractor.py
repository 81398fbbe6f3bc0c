"""parameter-extractor: a model reads named, typed values out of a text."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from libs.common.contracts.chat import ChatMessage, ChatResult
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.chosen_model import (
    ChosenModel,
    parse_chosen_model,
    usage_metadata,
)
from services.engine.domain.node_parts.effects import CallModel, EffectError
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.extracted_parameters import (
    Parameter,
    empty_scalars,
    parse_parameters,
    refusal,
    schema_of,
    values_of,
)
from services.engine.domain.node_parts.found_json import objects_in
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
    Sent,
)
from services.engine.domain.node_parts.parameter_prompt import (
    completion_prompt,
    json_prompt,
    tool_of,
    tool_prompt,
)
from services.engine.domain.node_parts.prompt_memory import Memory, parse_memory
from services.engine.domain.node_parts.reasoning import split_reasoning, tagged_text
from services.engine.domain.node_parts.settings_reader import MISSING_FIELD, SettingsReader
from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Missing, Selector, Value

_NO_TOOLS = "CapabilityMissing"
_NOTHING_FOUND = "Failed to extract result from function call or text response, using empty result."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """How the model is asked: by a tool, or for JSON in its text."""

    messages: tuple[ChatMessage, ...]
    by_tool: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterExtractorNode:
    """Without a `query` the text is empty. `by_tool`: the values come as the arguments of a
    function; a model that cannot call functions is asked for JSON instead."""

    model: ChosenModel
    query: Selector | None
    parameters: tuple[Parameter, ...]
    instruction: TemplateText
    memory: Memory | None
    by_tool: bool
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        query = () if self.query is None else (self.query,)
        return (*query, *self.instruction.references, *self.model.references)

    @property
    def output_types(self) -> OutputTypes:
        return {
            "__is_success": ValueType.NUMBER,
            "__reason": ValueType.STRING,
            "__usage": ValueType.OBJECT,
            **{each.name: each.type for each in self.parameters},
        }

    @property
    def effect_class(self) -> NodeEffect:
        return "model"

    def run(self, context: NodeContext) -> NodeRun:
        query = self._text(context)
        inputs: dict[str, Value] = {
            "query": query,
            "files": [],
            "parameters": [each.as_data for each in self.parameters],
            "instruction": self.instruction.render(context.variables),
            **self.model.identity,
        }
        question = self._question(query, context, by_tool=self.by_tool)
        try:
            try:
                answer = yield from self._ask(question, context)
            except EffectError as error:
                if not question.by_tool or error.error_type != _NO_TOOLS:
                    raise
                question = self._question(query, context, by_tool=False)
                answer = yield from self._ask(question, context)
        except EffectError as error:
            raise NodeFailure(
                error.message,
                error_type=error.error_type,
                inputs=inputs,
                process_data=self._process_data(question),
                outputs={
                    "__is_success": 0,
                    "__reason": "Failed to invoke model",
                    "__error": error.message,
                },
            ) from error
        return self._result(answer, inputs, self._process_data(question))

    def _text(self, context: NodeContext) -> str:
        value = None if self.query is None else context.variables.get(self.query)
        return "" if isinstance(value, Missing) else render_text(value)

    def _question(self, query: str, context: NodeContext, *, by_tool: bool) -> _Question:
        by_tool = by_tool and not self.model.completion
        build = completion_prompt if self.model.completion else json_prompt
        if by_tool:
            build = tool_prompt
        transcript = "" if self.memory is None else self.memory.transcript(context.history)
        instruction = self.instruction.render(context.variables)
        messages = build(query, schema_of(self.parameters), instruction, transcript)
        return _Question(messages=messages, by_tool=by_tool)

    def _ask(
        self, question: _Question, context: NodeContext
    ) -> Generator[CallModel, Sent, ChatResult]:
        tools = (tool_of(schema_of(self.parameters)),) if question.by_tool else ()
        call = self.model.call(question.messages, context.variables, tools=tools, stream=False)
        return expect(ChatResult, (yield CallModel(call=call, visible=tagged_text)))

    def _process_data(self, question: _Question) -> dict[str, Value]:
        function = tool_of(schema_of(self.parameters)).model_dump() if question.by_tool else {}
        return {
            **self.model.process_data(question.messages),
            "usage": None,
            "function": function,
            "tool_call": None,
        }

    def _result(
        self, answer: ChatResult, inputs: dict[str, Value], process_data: dict[str, Value]
    ) -> NodeResult:
        found, reason = self._found(answer)
        reason = refusal(self.parameters, found) or reason
        usage: Value = answer.usage.model_dump()
        called = answer.tool_calls[0].model_dump() if answer.tool_calls else None
        return NodeResult(
            outputs={
                "__is_success": 0 if reason else 1,
                "__reason": reason,
                "__usage": usage,
                **values_of(self.parameters, found),
            },
            inputs=inputs,
            process_data={
                **process_data,
                "usage": usage,
                "tool_call": called,
                "llm_text": answer.text,
            },
            metadata=usage_metadata(answer.usage),
        )

    def _found(self, answer: ChatResult) -> tuple[dict[str, Value], str | None]:
        """The model's object, and what is wrong where it gave none in its text.

        Once it has called a function its text does not count.
        """
        if answer.tool_calls:
            given = next(objects_in(answer.tool_calls[0].arguments), None)
            return given or {}, None
        said, _ = split_reasoning(answer.text)
        found = next(objects_in(said), None)
        return (found, None) if found else (empty_scalars(self.parameters), _NOTHING_FOUND)


def parse_parameter_extractor(node_id: str, data: Mapping[str, Value]) -> ParameterExtractorNode:
    settings = SettingsReader(data)
    mode = settings.text("reasoning_mode") or "function_call"
    if mode not in ("function_call", "prompt"):
        settings.report("unknown_mode", "must be function_call or prompt", "reasoning_mode")
    query = settings.selector("query", required=False)
    if query is None:
        settings.warn(MISSING_FIELD, "must name a variable", "query")
    return ParameterExtractorNode(
        model=parse_chosen_model(settings),
        query=query,
        parameters=parse_parameters(settings),
        instruction=parse_template_text(settings.text("instruction")),
        memory=parse_memory(settings),
        by_tool=mode == "function_call",
        problems=settings.problems,
    )
