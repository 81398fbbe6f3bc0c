"""answer: text that people read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeResult,
    OutputSegment,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.pure_node import PureNode
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.files import is_file
from services.engine.domain.variables.rendering import render_markdown
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Missing, Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNode(PureNode):
    answer: TemplateText
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.answer.references

    @property
    def output_types(self) -> OutputTypes:
        return {"answer": ValueType.STRING, "files": ValueType.ARRAY_FILE}

    def evaluate(self, context: NodeContext) -> NodeResult:
        text = self.answer.render(context.variables, render_markdown)
        named = (context.variables.get(each) for each in self.references)
        return NodeResult(outputs={"answer": text, "files": _files(named)})


def parse_answer(node_id: str, data: Mapping[str, Value]) -> AnswerNode:
    settings = SettingsReader(data)
    return AnswerNode(
        answer=parse_template_text(settings.text("answer")), problems=settings.problems
    )


def _files(values: Iterable[Value | Missing]) -> list[Value]:
    """Every file that the text shows, alone or in a list of files, in its order."""
    found: list[Value] = []
    for value in values:
        match value:
            case dict() if is_file(value):
                found.append(value)
            case list() if all(map(is_file, value)):
                found.extend(value)
            case _:
                pass
    return found


def answer_template(data: Mapping[str, Value]) -> tuple[OutputSegment, ...]:
    return tuple(
        OutputSegment(text=part) if isinstance(part, str) else OutputSegment(selector=part)
        for part in parse_answer("", data).answer.segments
    )
