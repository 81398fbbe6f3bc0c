"""document-extractor: the text of a file, or of every file of a list."""

from collections.abc import Mapping
from dataclasses import dataclass

from libs.common.contracts.document_text import DocumentCall, DocumentText
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.effects import EffectError, ReadDocument
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.file_sources import NotAFile, document_call
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Missing, Selector, Value

_MOST_FILES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentExtractorNode:
    """`several`: the author takes the variable for a list of files. What it holds decides."""

    variable: Selector | None
    several: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return () if self.variable is None else (self.variable,)

    @property
    def output_types(self) -> OutputTypes:
        return {"text": ValueType.ARRAY_STRING if self.several else ValueType.STRING}

    @property
    def effect_class(self) -> NodeEffect:
        return "idempotent"

    def run(self, context: NodeContext) -> NodeRun:
        given = self._value(context)
        files: list[Value] = given if isinstance(given, list) else [given]
        calls = self._calls(files)
        inputs: dict[str, Value] = {"variable_selector": list(self.variable or ())}
        process_data: dict[str, Value] = {"documents": files}
        try:
            answers = (yield tuple(ReadDocument(call=call) for call in calls)) if calls else ()
        except EffectError as error:
            raise NodeFailure(
                error.message,
                error_type=error.error_type,
                inputs=inputs,
                process_data=process_data,
            ) from error
        read = answers if isinstance(answers, tuple) else (answers,)
        texts: list[Value] = [expect(DocumentText, answer).text for answer in read]
        text: Value = texts if isinstance(given, list) else texts[0]
        return NodeResult(outputs={"text": text}, inputs=inputs, process_data=process_data)

    def _value(self, context: NodeContext) -> Value:
        value = None if self.variable is None else context.variables.get(self.variable)
        if isinstance(value, Missing):
            shown = list(self.variable or ())
            raise _refused(f"File variable not found for selector: {shown}")
        return value

    def _calls(self, files: list[Value]) -> list[DocumentCall]:
        if len(files) > _MOST_FILES:
            raise _refused(f"At most {_MOST_FILES} files are read at once, these are {len(files)}.")
        try:
            return [document_call(file) for file in files]
        except NotAFile as reason:
            shown = ".".join(self.variable or ())
            raise _refused(f"{shown} cannot be read: {reason}") from reason


def _refused(message: str) -> NodeFailure:
    return NodeFailure(message, error_type="DocumentExtractorError")


def parse_document_extractor(node_id: str, data: Mapping[str, Value]) -> DocumentExtractorNode:
    settings = SettingsReader(data)
    return DocumentExtractorNode(
        variable=settings.selector("variable_selector"),
        several=settings.flag("is_array_file"),
        problems=settings.problems,
    )
