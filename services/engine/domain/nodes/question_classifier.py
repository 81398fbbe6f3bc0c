"""question-classifier: a model names the class of a text, and the class is the branch."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.common.contracts.chat import ChatMessage, ChatResult
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.chosen_model import (
    ChosenModel,
    parse_chosen_model,
    usage_metadata,
)
from services.engine.domain.node_parts.class_prompt import chat_prompt, completion_prompt
from services.engine.domain.node_parts.effects import CallModel, EffectError
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.found_json import objects_in
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
    VariableReader,
)
from services.engine.domain.node_parts.prompt_memory import Memory, parse_memory
from services.engine.domain.node_parts.reasoning import split_reasoning, tagged_text
from services.engine.domain.node_parts.settings_reader import MISSING_FIELD, SettingsReader
from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Missing, Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """`name` describes the class to the model, `label` shows it to people."""

    id: str
    name: TemplateText
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionClassifierNode:
    """Without a `query` the text is empty. The first of `classes` also takes what fits none."""

    model: ChosenModel
    query: Selector | None
    classes: tuple[Class, ...]
    instruction: TemplateText
    memory: Memory | None
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        texts = (self.instruction, *(each.name for each in self.classes))
        return (
            *(() if self.query is None else (self.query,)),
            *(selector for text in texts for selector in text.references),
            *self.model.references,
        )

    @property
    def output_types(self) -> OutputTypes:
        return {
            "class_name": ValueType.STRING,
            "class_label": ValueType.STRING,
            "class_id": ValueType.STRING,
            "usage": ValueType.OBJECT,
        }

    @property
    def effect_class(self) -> NodeEffect:
        return "model"

    def run(self, context: NodeContext) -> NodeRun:
        if not self.classes:
            raise NodeFailure("There is no class to choose.")
        query = _read(self.query, context.variables)
        names = [each.name.render(context.variables) for each in self.classes]
        messages = self._messages(render_text(query), names, context)
        inputs: dict[str, Value] = {"query": query, **self.model.identity}
        process_data = self.model.process_data(messages)
        call = self.model.call(messages, context.variables)
        try:
            answer = expect(ChatResult, (yield CallModel(call=call, visible=tagged_text)))
        except EffectError as error:
            raise NodeFailure(
                error.message,
                error_type=error.error_type,
                inputs=inputs,
                process_data=process_data,
            ) from error
        position = self._chosen(answer.text)
        chosen = self.classes[position]
        usage: Value = answer.usage.model_dump()
        return NodeResult(
            outputs={
                "class_name": names[position],
                "class_label": chosen.label or f"CLASS {position + 1}",
                "class_id": chosen.id,
                "usage": usage,
            },
            handle=chosen.id,
            inputs=inputs,
            process_data={
                **process_data,
                "usage": usage,
                "finish_reason": answer.finish_reason,
            },
            metadata=usage_metadata(answer.usage),
        )

    def _messages(
        self, text: str, names: list[str], context: NodeContext
    ) -> tuple[ChatMessage, ...]:
        classes = [(each.id, name) for each, name in zip(self.classes, names, strict=True)]
        instruction = self.instruction.render(context.variables)
        transcript = "" if self.memory is None else self.memory.transcript(context.history)
        build = completion_prompt if self.model.completion else chat_prompt
        return build(text, classes, instruction, transcript)

    def _chosen(self, answer: str) -> int:
        """The position of the class that `answer` names; an unreadable one names the first."""
        said, _ = split_reasoning(answer)
        for found in objects_in(said):
            if "category_id" in found and "category_name" in found:
                wanted = found["category_id"]
                ids = [each.id for each in self.classes]
                return ids.index(wanted) if isinstance(wanted, str) and wanted in ids else 0
        return 0


def _read(selector: Selector | None, variables: VariableReader) -> Value:
    value = None if selector is None else variables.get(selector)
    return None if isinstance(value, Missing) else value


def parse_question_classifier(node_id: str, data: Mapping[str, Value]) -> QuestionClassifierNode:
    """Exports without classes exist; like one without a model, it fails when it runs."""
    settings = SettingsReader(data)
    classes = tuple(
        Class(
            id=item.text("id", required=True),
            name=parse_template_text(item.text("name")),
            label=item.text("label"),
        )
        for item in settings.items("classes")
    )
    if not classes:
        settings.warn(MISSING_FIELD, "must hold a class", "classes")
    query = settings.selector("query_variable_selector", required=False)
    if query is None:
        settings.warn(MISSING_FIELD, "must name a variable", "query_variable_selector")
    return QuestionClassifierNode(
        model=parse_chosen_model(settings),
        query=query,
        classes=classes,
        instruction=parse_template_text(settings.text("instruction")),
        memory=parse_memory(settings),
        problems=settings.problems,
    )
