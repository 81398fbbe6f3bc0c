import pytest

from libs.common.contracts.tool_call import ToolCall, ToolResult
from services.engine.domain.node_parts.called_tool import CallsTool
from services.engine.domain.node_parts.effects import CallTool, EffectError
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node


def _tool(**data: Value) -> dict[str, Value]:
    return {
        "type": "tool",
        "provider_id": "langgenius/time/time",
        "provider_type": "builtin",
        "tool_name": "current_time",
        **data,
    }


def _asked(done: Drive) -> ToolCall:
    (request,) = done.requests
    assert isinstance(request, CallTool)
    return request.call


def test_arguments_are_written_with_references_or_passed_as_they_are() -> None:
    node = parse_node(
        _tool(
            tool_configurations={
                "format": {"type": "mixed", "value": "%Y {{#s.word#}}"},
                "count": {"type": "constant", "value": 3},
                "old": "{{#s.word#}}!",
                "deep": True,
                "unset": None,
            },
            tool_parameters={
                "numbers": {"type": "variable", "value": ["s", "list"]},
                "gone": {"type": "variable", "value": ["s", "nothing"]},
                "old": {"type": "mixed", "value": "wins"},
            },
        )
    )
    done = drive(node, {"s": {"word": "x", "list": [1, 2]}}, (ToolResult(text="now"),))
    assert _asked(done) == ToolCall(
        tool="time/current_time",
        arguments={
            "format": "%Y x",
            "count": "3",
            "deep": "true",
            "old": "wins",
            "numbers": [1, 2],
        },
    )
    assert set(node.references) == {("s", "word"), ("s", "list"), ("s", "nothing")}


def test_a_tool_gives_text_json_and_what_it_declares() -> None:
    answer = ToolResult(text="5", data={"value": 5, "text": "hidden"})
    assert drive(parse_node(_tool()), {}, (answer,)).outputs == {
        "value": 5,
        "text": "5",
        "files": [],
        "json": [{"value": 5, "text": "hidden"}],
    }
    assert drive(parse_node(_tool()), {}, (ToolResult(text="5"),)).outputs == {
        "text": "5",
        "files": [],
        "json": [{"data": []}],
    }


def test_a_failure_keeps_its_words_and_shows_what_was_asked() -> None:
    refused = EffectError("no tool `a/b`", error_type="ToolUnknown", retryable=False)
    data = _tool(tool_parameters={"a": {"type": "constant", "value": "b"}})
    done = drive(parse_node(data), {}, (refused,))
    assert done.error == ("no tool `a/b`", "ToolUnknown")
    assert done.failure is not None
    assert done.failure.inputs == {"a": "b"}


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({"provider_type": "mcp"}, "unsupported", "provider_type"),
        ({"provider_type": "odd"}, "unknown_tool_kind", "provider_type"),
        ({"tool_name": ""}, "missing_field", "tool_name"),
        ({"provider_id": None}, "missing_field", "provider_id"),
    ],
)
def test_what_cannot_be_called_is_said(data: dict[str, Value], code: str, field: str) -> None:
    node = parse_node(_tool(**data))
    assert [(p.code, p.field) for p in node.problems] == [(code, field)]
    assert isinstance(node, CallsTool)
    assert node.tool == ""


def test_a_kind_that_is_not_available_names_the_tool() -> None:
    (problem,) = parse_node(_tool(provider_id="p", provider_type="api")).problems
    assert "`p/current_time`" in problem.message
