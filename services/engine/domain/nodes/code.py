"""code: the author's own function, run in the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.code_outputs import (
    CodeOutputError,
    CodeOutputs,
    parse_code_outputs,
)
from services.engine.domain.node_parts.effects import RunCode
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.input_variables import (
    InputVariables,
    parse_input_variables,
)
from services.engine.domain.node_parts.node_contract import (
    NodeContext,
    NodeFailure,
    NodeResult,
    NodeRun,
    OutputTypes,
    Problem,
)
from services.engine.domain.node_parts.scientific_notation import numbers_from_text
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.values import Selector, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeNode:
    language: Literal["python3", "javascript"]
    code: str
    variables: InputVariables
    outputs: CodeOutputs
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return self.variables.references

    @property
    def output_types(self) -> OutputTypes:
        return self.outputs.types

    @property
    def effect_class(self) -> NodeEffect:
        return "idempotent"

    def run(self, context: NodeContext) -> NodeRun:
        inputs = self.variables.read(context.variables)
        call = CodeCall(language=self.language, code=self.code, inputs=inputs)
        answer = expect(CodeResult, (yield RunCode(call=call)))
        process_data = _process_data(answer)
        if answer.status != "ok":
            raise _failure(answer, inputs, process_data)
        returned = numbers_from_text(answer.result)
        if not isinstance(returned, dict):
            raise NodeFailure(
                f"Result should be a dict, got {type(returned).__name__} instead.",
                error_type="CodeNodeError",
                inputs=inputs,
                process_data=process_data,
            )
        try:
            outputs = self.outputs.check(returned)
        except CodeOutputError as wrong:
            raise NodeFailure(
                str(wrong), error_type=wrong.error_type, inputs=inputs, process_data=process_data
            ) from wrong
        return NodeResult(outputs=outputs, inputs=inputs, process_data=process_data)


def _process_data(answer: CodeResult) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if answer.stdout:
        found["stdout"] = answer.stdout
    if answer.stderr:
        found["stderr"] = answer.stderr
    if answer.line is not None:
        found["line"] = answer.line
    if answer.traceback:
        found["traceback"] = answer.traceback
    return found


def _failure(
    answer: CodeResult, inputs: dict[str, Value], process_data: dict[str, Value]
) -> NodeFailure:
    """The author's own exception keeps its class and words; a stop by the sandbox says which
    limit it was. People are told the author's line with it."""
    if answer.status == "limit":
        message = answer.error_message or f"The code was stopped by its {answer.limit} limit."
        return NodeFailure(
            message,
            error_type="CodeExecutionError",
            told=_at_line(message, answer.line),
            inputs=inputs,
            process_data={**process_data, "limit": answer.limit},
        )
    message = answer.error_message or answer.error_type or "The code failed."
    kind = answer.error_type
    told = f"{kind}: {answer.error_message}" if kind and answer.error_message else message
    return NodeFailure(
        message,
        error_type=kind or "CodeExecutionError",
        told=_at_line(told, answer.line),
        inputs=inputs,
        process_data=process_data,
    )


def _at_line(text: str, line: int | None) -> str:
    return text if line is None else f"{text} (line {line} of the code)"


def parse_code(node_id: str, data: Mapping[str, Value]) -> CodeNode:
    settings = SettingsReader(data)
    language = settings.text("code_language", "python3")
    if language not in ("python3", "javascript"):
        settings.report("unknown_language", f"unknown language {language}", "code_language")
    return CodeNode(
        language="javascript" if language == "javascript" else "python3",
        code=settings.text("code", required=True),
        variables=parse_input_variables(settings),
        outputs=parse_code_outputs(settings),
        problems=settings.problems,
    )
