"""command: one shell line in the sandbox, files in, output and files out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from libs.common.contracts.command_execution import CommandCall, CommandResult, PlacedFile
from libs.common.contracts.run_forks import NodeEffect
from services.engine.domain.node_parts.effects import RunCommand
from services.engine.domain.node_parts.expected_result import expect
from services.engine.domain.node_parts.file_sources import NotAFile, file_source, stored_file
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
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.rendering import render_text
from services.engine.domain.variables.template_text import parse_template_text
from services.engine.domain.variables.types import ValueType
from services.engine.domain.variables.values import Missing, Selector, Value

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TAIL = 500
_LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandNode:
    """`variables` reach the line through its environment only, never as a part of its text.

    `files` pairs a path in the workspace with the file variable to put there. `any_exit`: an exit
    code other than 0 is a result too.
    """

    line: str
    variables: InputVariables
    files: tuple[tuple[str, Selector], ...]
    seconds: float | None
    any_exit: bool
    problems: tuple[Problem, ...] = ()

    @property
    def references(self) -> tuple[Selector, ...]:
        return (*self.variables.references, *(selector for _, selector in self.files))

    @property
    def output_types(self) -> OutputTypes:
        return {
            "exit_code": ValueType.NUMBER,
            "stdout": ValueType.STRING,
            "stderr": ValueType.STRING,
            "files": ValueType.ARRAY_FILE,
        }

    @property
    def effect_class(self) -> NodeEffect:
        return "idempotent"

    def run(self, context: NodeContext) -> NodeRun:
        inputs = self.variables.read(context.variables)
        call = CommandCall(
            line=self.line,
            variables={name: render_text(value) for name, value in inputs.items()},
            files=tuple(self._placed(context)),
            wall_seconds=self.seconds,
        )
        answer = expect(CommandResult, (yield RunCommand(call=call)))
        if answer.status != "ok":
            message = (
                answer.error_message or f"The command was stopped by its {answer.limit} limit."
            )
            raise _failed(message, inputs, _outputs(answer))
        outputs = _outputs(answer)
        if answer.exit_code != 0 and not self.any_exit:
            said = answer.stderr.strip()[-_TAIL:]
            message = f"The command ended with exit code {answer.exit_code}"
            raise _failed(f"{message}: {said}" if said else f"{message}.", inputs, outputs)
        return NodeResult(outputs=outputs, inputs=inputs)

    def _placed(self, context: NodeContext) -> list[PlacedFile]:
        placed: list[PlacedFile] = []
        for path, selector in self.files:
            value = context.variables.get(selector)
            try:
                source = file_source(None if isinstance(value, Missing) else value)
            except NotAFile as reason:
                message = f"{'.'.join(selector)} cannot be put at {path}: {reason}"
                raise NodeFailure(message, error_type="CommandFailed") from reason
            placed.append(PlacedFile(path=path, source=source))
        return placed


def _outputs(answer: CommandResult) -> dict[str, Value]:
    files: list[Value] = [
        stored_file(file.object_key, filename=file.path, mime_type="", size=file.size, url=file.url)
        for file in answer.files
    ]
    return {
        "exit_code": answer.exit_code,
        "stdout": answer.stdout,
        "stderr": answer.stderr,
        "files": files,
    }


def _failed(message: str, inputs: dict[str, Value], outputs: dict[str, Value]) -> NodeFailure:
    return NodeFailure(message, error_type="CommandFailed", inputs=inputs, outputs=outputs)


def parse_command(node_id: str, data: Mapping[str, Value]) -> CommandNode:
    """`command` is the line, `timeout` its seconds (default 10, at most 60)."""
    settings = SettingsReader(data)
    line = settings.text("command", required=True)
    if parse_template_text(line).references:
        settings.report(
            "unsupported",
            "a value reaches a command as a variable of its environment, not as a part of its text",
            "command",
        )
    variables = parse_input_variables(settings)
    for name, _ in variables.bindings:
        if not _NAME.fullmatch(name):
            message = f"{name!r} cannot name a variable of the environment"
            settings.report("invalid_name", message, "variables")
    seconds = settings.number("timeout")
    return CommandNode(
        line=line,
        variables=variables,
        files=_parse_files(settings),
        seconds=min(seconds, _LONGEST_SECONDS) if seconds and seconds > 0 else None,
        any_exit=settings.flag("accept_any_exit_code"),
        problems=settings.problems,
    )


def _parse_files(settings: SettingsReader) -> tuple[tuple[str, Selector], ...]:
    files: list[tuple[str, Selector]] = []
    for item in settings.items("files"):
        path, selector = item.text("path", required=True), item.selector("value_selector")
        if path.startswith("/") or ".." in path.split("/"):
            item.report("invalid_path", "must be a path inside the workspace", "path")
        elif path and selector is not None:
            files.append((path, selector))
    return tuple(files)
