import pytest

from libs.common.contracts.command_execution import (
    CommandCall,
    CommandResult,
    LeftFile,
    PlacedFile,
)
from libs.common.contracts.document_text import StoredFile
from services.engine.domain.node_parts.effects import RunCommand
from services.engine.domain.variables.files import is_file
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import drive, parse_node

FILE: Value = {"transfer_method": "tool_file", "object_key": "http/t/1"}


def _command(**data: Value) -> dict[str, Value]:
    return {"type": "command", "command": 'sort "$name"', **data}


def test_values_are_variables_of_the_environment_and_files_lie_in_the_workspace() -> None:
    node = parse_node(
        _command(
            timeout=90,
            variables=[
                {"variable": "name", "value_selector": ["s", "name"]},
                {"variable": "list", "value_selector": ["s", "list"]},
            ],
            files=[{"path": "in/a.txt", "value_selector": ["s", "file"]}],
        )
    )
    left = LeftFile(path="out.txt", object_key="command/t/2", size=3)
    answer = CommandResult(status="ok", exit_code=0, stdout="a\n", files=(left,))
    values: dict[str, Value] = {"name": "x; rm -rf /", "list": ["a"], "file": FILE}
    done = drive(node, {"s": values}, (answer,))
    assert done.requests == [
        RunCommand(
            call=CommandCall(
                line='sort "$name"',
                variables={"name": "x; rm -rf /", "list": '["a"]'},
                files=(PlacedFile(path="in/a.txt", source=StoredFile(object_key="http/t/1")),),
                wall_seconds=60,
            )
        )
    ]
    files = done.outputs.pop("files")
    assert done.outputs == {"exit_code": 0, "stdout": "a\n", "stderr": ""}
    assert isinstance(files, list)
    assert is_file(files[0])
    assert (files[0]["filename"], files[0]["object_key"]) == ("out.txt", "command/t/2")


FAILURES: list[tuple[CommandResult, str]] = [
    (
        CommandResult(status="ok", exit_code=2, stderr="no such file\n"),
        "The command ended with exit code 2: no such file",
    ),
    (CommandResult(status="ok", exit_code=1), "The command ended with exit code 1."),
    (CommandResult(status="limit", limit="wall"), "The command was stopped by its wall limit."),
    (CommandResult(status="error", error_message="no place"), "no place"),
]


@pytest.mark.parametrize(("answer", "message"), FAILURES)
def test_a_command_that_fails_fails_its_node(answer: CommandResult, message: str) -> None:
    done = drive(parse_node(_command()), {}, (answer,))
    assert done.error == (message, "CommandFailed")
    assert done.failure is not None
    assert done.failure.outputs["exit_code"] == answer.exit_code


def test_any_exit_code_is_a_result_where_the_author_says_so() -> None:
    node = parse_node(_command(accept_any_exit_code=True))
    answer = CommandResult(status="ok", exit_code=2)
    assert drive(node, {}, (answer,)).outputs["exit_code"] == 2
    stopped = CommandResult(status="limit", limit="wall")
    assert drive(node, {}, (stopped,)).error[1] == "CommandFailed"


def test_what_is_no_file_is_not_placed() -> None:
    data = _command(files=[{"path": "a", "value_selector": ["s", "x"]}])
    message = "s.x cannot be put at a: it is no file"
    assert drive(parse_node(data), {"s": {"x": "words"}}).error == (message, "CommandFailed")
    assert drive(parse_node(data), {}).error == (message, "CommandFailed")


PROBLEMS: list[tuple[dict[str, Value], str, str]] = [
    ({"command": ""}, "missing_field", "command"),
    ({"command": "echo {{#s.x#}}"}, "unsupported", "command"),
    (
        {"variables": [{"variable": "a b", "value_selector": ["s", "x"]}]},
        "invalid_name",
        "variables",
    ),
    ({"files": [{"path": "../a", "value_selector": ["s", "x"]}]}, "invalid_path", "files.0.path"),
    ({"files": [{"path": "/a", "value_selector": ["s", "x"]}]}, "invalid_path", "files.0.path"),
]


@pytest.mark.parametrize(("data", "code", "field"), PROBLEMS)
def test_what_cannot_run_is_said(data: dict[str, Value], code: str, field: str) -> None:
    node = parse_node(_command(**data))
    assert [(problem.code, problem.field) for problem in node.problems] == [(code, field)]
