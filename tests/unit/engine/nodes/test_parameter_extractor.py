import json

import pytest

from libs.common.contracts.chat import ChatCall, ChatResult, ToolCallPart, Usage
from services.engine.domain.node_parts.effects import CallModel, EffectError
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node

CITY: Value = {"name": "city", "type": "string", "description": "where", "required": True}
NIGHTS: Value = {"name": "nights", "type": "number", "description": "how long", "required": False}
SCHEMA: Value = {
    "type": "object",
    "properties": {
        "city": {"description": "where", "type": "string"},
        "nights": {"description": "how long", "type": "number"},
    },
    "required": ["city"],
}
VARIABLES: dict[str, dict[str, Value]] = {
    "start": {"text": "Three nights in Kraków", "tone": "calm", "list": ["a", 1]}
}
NOTHING_FOUND = "Failed to extract result from function call or text response, using empty result."


def _data(*parameters: Value, **data: Value) -> dict[str, Value]:
    return {
        "type": "parameter-extractor",
        "query": ["start", "text"],
        "model": {"provider": "openai", "name": "gpt", "mode": "chat"},
        "parameters": list(parameters or (CITY, NIGHTS)),
        "reasoning_mode": "prompt",
        **data,
    }


def _said(text: str) -> ChatResult:
    return ChatResult(generation="g", model="m", text=text, usage=Usage(total_tokens=3))


def _called(arguments: str, text: str = "") -> ChatResult:
    call = ToolCallPart(id="c", name="extract_parameters", arguments=arguments)
    return ChatResult(generation="g", model="m", text=text, tool_calls=(call,))


def _extracted(answer: ChatResult, *parameters: Value) -> dict[str, Value]:
    done = drive(parse_node(_data(*parameters)), VARIABLES, (answer,))
    return {key: value for key, value in done.outputs.items() if key != "__usage"}


def _calls(done: Drive) -> list[ChatCall]:
    calls = [request.call for request in done.requests if isinstance(request, CallModel)]
    assert len(calls) == len(done.requests)
    return calls


GOOD = '{"city": "Kraków", "nights": 3}'
READ: Value = {"__is_success": 1, "__reason": None, "city": "Kraków", "nights": 3}
EMPTY: Value = {"__is_success": 0, "__reason": NOTHING_FOUND, "city": "", "nights": 0}
ANSWERS: list[tuple[ChatResult, Value]] = [
    (_said(GOOD), READ),
    (_said(f"```json\n{GOOD}\n```"), READ),
    (_said(f"Here {{you}} are: {GOOD}. Anything else?"), READ),
    (_said(f"[{GOOD}]"), READ),
    (_said(f'<think>maybe {{"city": "Rome"}}</think>{GOOD}'), READ),
    (_called(GOOD), READ),
    (_called(f"arguments: {GOOD}", text='{"city": "Rome", "nights": 1}'), READ),
    (_said("Kraków, three nights"), EMPTY),
    (_said('{"city": "Kraków", "nights":'), EMPTY),
    (_said("{}"), EMPTY),
    (_said("[1, 2]"), EMPTY),
]


@pytest.mark.parametrize(("answer", "outputs"), ANSWERS)
def test_the_object_in_the_answer_counts(answer: ChatResult, outputs: Value) -> None:
    assert _extracted(answer) == outputs


REFUSED: list[tuple[str, str, str, Value]] = [
    ('{"city": "K"}', "Invalid number of parameters", "K", 0),
    ('{"city": "K", "nights": 1, "more": 1}', "Invalid number of parameters", "K", 1),
    ('{"town": "K", "nights": 1}', "Parameter city is required", "", 1),
    (
        '{"city": 5, "nights": "2.5"}',
        (
            "Invalid value for parameter city, expected segment type: string, "
            "actual_type: integer, python_type: <class 'int'>, value: 5"
        ),
        "",
        2.5,
    ),
    (
        '{"city": "K", "nights": "four"}',
        (
            "Invalid value for parameter nights, expected segment type: number, "
            "actual_type: string, python_type: <class 'str'>, value: four"
        ),
        "K",
        0,
    ),
    (
        '{"city": "K", "nights": null}',
        (
            "Invalid value for parameter nights, expected segment type: number, "
            "actual_type: none, python_type: <class 'NoneType'>, value: None"
        ),
        "K",
        0,
    ),
]


@pytest.mark.parametrize(("text", "reason", "city", "nights"), REFUSED)
def test_a_refused_answer_says_why_and_gives_what_it_can(
    text: str, reason: str, city: str, nights: Value
) -> None:
    assert _extracted(_said(text)) == {
        "__is_success": 0,
        "__reason": reason,
        "city": city,
        "nights": nights,
    }


def test_a_called_function_counts_even_if_its_arguments_are_broken() -> None:
    outputs = _extracted(_called('{"city": "Kra', text=GOOD))
    assert outputs["__reason"] == "Invalid number of parameters"
    assert (outputs["city"], outputs["nights"]) == ("", 0)


COERCED: list[tuple[str, Value, Value, bool]] = [
    ("string", "a", "a", True),
    ("string", 1, "", False),
    ("number", 2, 2, True),
    ("number", 2.5, 2.5, True),
    ("number", True, 1, True),
    ("number", "12", 12, False),
    ("number", "1.5", 1.5, False),
    ("number", "1e5", 0, False),
    ("number", [1], 0, False),
    ("boolean", True, True, True),
    ("bool", False, False, True),
    ("boolean", 1, True, False),
    ("boolean", "true", False, False),
    ("array[string]", ["a", "b"], ["a", "b"], True),
    ("array[string]", ["a", 1], ["a"], False),
    ("array[string]", "a", [], False),
    ("array[number]", [1, 2.5], [1, 2.5], True),
    ("array[number]", ["1", "x", True], [1, 1], False),
    ("array[boolean]", [True, 1], [True], False),
    ("array[object]", [{"k": [1]}], [{"k": [1]}], True),
    ("array[object]", [{"k": 1}, "x"], [{"k": 1}], False),
    ("array[object]", [], [], True),
]


@pytest.mark.parametrize(("kind", "given", "value", "success"), COERCED)
def test_values_get_the_type_of_their_parameter(
    kind: str, given: Value, value: Value, success: bool
) -> None:
    parameter: Value = {"name": "p", "type": kind, "description": "", "required": True}
    outputs = _extracted(_said(json.dumps({"p": given})), parameter)
    assert (outputs["p"], bool(outputs["__is_success"])) == (value, success)
    assert type(outputs["p"]) is type(value)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("1e999", 0),
        ("NaN", 0),
        ('"1.0e999"', 0),
        ("9" * 5000, 0),
    ],
)
def test_numbers_that_a_journal_cannot_hold_do_not_reach_it(number: str, value: float) -> None:
    parameter: Value = {"name": "p", "type": "number", "description": "", "required": True}
    found = _extracted(_said(f'{{"p": {number}}}'), parameter)["p"]
    assert found == value
    assert type(found) is type(value)


def test_an_answer_of_any_depth_is_refused_like_another() -> None:
    deep = "[" * 400 + "]" * 400
    outputs = _extracted(_said(f'{{"city": {deep}, "nights": 1}}'))
    assert str(outputs["__reason"]).startswith("Invalid value for parameter city")


SELECT: Value = {
    "name": "size",
    "type": "select",
    "options": ["S", "M"],
    "description": "",
    "required": False,
}


@pytest.mark.parametrize(
    ("text", "size", "reason"),
    [
        ('{"size": "M"}', "M", None),
        ('{"size": "XL"}', "XL", "Invalid `select` value for parameter size"),
        ("medium", "", "Invalid `select` value for parameter size"),
    ],
)
def test_a_choice_is_one_of_its_options(text: str, size: str, reason: str | None) -> None:
    outputs = _extracted(_said(text), SELECT)
    assert (outputs["size"], outputs["__reason"]) == (size, reason)


def test_a_list_is_no_part_of_the_empty_answer() -> None:
    wishes: Value = {"name": "w", "type": "array[string]", "description": "", "required": False}
    outputs = _extracted(_said("nothing"), CITY, wishes)
    assert outputs["__reason"] == "Invalid number of parameters"
    assert (outputs["city"], outputs["w"]) == ("", [])


def test_the_model_is_asked_by_a_function() -> None:
    node = parse_node(_data(reasoning_mode="function_call", instruction="Be {{#start.tone#}}."))
    done = drive(node, VARIABLES, (_called(GOOD),))
    (call,) = _calls(done)
    (tool,) = call.tools
    assert (tool.name, tool.parameters) == ("extract_parameters", SCHEMA)
    assert call.stream is False
    assert "Be calm." in str(call.messages[0].content)
    assert str(call.messages[-1].content).endswith("Text:\nThree nights in Kraków")
    example = next(message for message in call.messages if message.tool_calls)
    assert example.tool_calls[0].name == tool.name
    assert done.result is not None
    assert done.result.process_data["function"] == tool.model_dump()
    assert done.result.process_data["tool_call"] == _called(GOOD).tool_calls[0].model_dump()


@pytest.mark.parametrize("mode", [None, "", "function_call"])
def test_without_a_mode_a_function_is_offered(mode: Value) -> None:
    (call,) = _calls(drive(parse_node(_data(reasoning_mode=mode)), VARIABLES, (_called(GOOD),)))
    assert call.tools


def test_the_model_is_asked_for_json_in_its_text() -> None:
    (call,) = _calls(drive(parse_node(_data()), VARIABLES, (_said(GOOD),)))
    assert call.tools == ()
    assert [message.role for message in call.messages] == ["system", "user", "assistant", "user"]
    first, *rest = str(call.messages[-1].content).split("\n")
    assert json.loads(first.removeprefix("JSON Schema: ")) == SCHEMA
    assert rest == ["Text:", "Three nights in Kraków"]


def test_a_model_that_cannot_call_functions_is_asked_for_json() -> None:
    node = parse_node(_data(reasoning_mode="function_call"))
    unable = EffectError("no tools", error_type="CapabilityMissing", retryable=False)
    done = drive(node, VARIABLES, (unable, _said(GOOD)))
    assert [bool(call.tools) for call in _calls(done)] == [True, False]
    assert done.outputs["city"] == "Kraków"
    assert done.result is not None
    assert done.result.process_data["function"] == {}


def test_a_model_that_continues_text_is_never_offered_a_function() -> None:
    model: Value = {"provider": "openai", "name": "gpt", "mode": "completion"}
    node = parse_node(_data(model=model, reasoning_mode="function_call"))
    (call,) = _calls(drive(node, VARIABLES, (_said(GOOD),)))
    assert (call.tools, len(call.messages)) == ((), 1)


def test_schemas_tell_lists_and_choices() -> None:
    flags: Value = {
        "name": "f",
        "type": "array[boolean]",
        "description": "flags",
        "required": True,
        "options": None,
    }
    done = drive(parse_node(_data(SELECT, flags)), VARIABLES, (_said("{}"),))
    first = str(_calls(done)[0].messages[-1].content).split("\n")[0]
    assert json.loads(first.removeprefix("JSON Schema: ")) == {
        "type": "object",
        "properties": {
            "size": {"description": "", "type": "string", "enum": ["S", "M"]},
            "f": {"description": "flags", "type": "array", "items": {"type": "boolean"}},
        },
        "required": ["f"],
    }


@pytest.mark.parametrize("mode", ["prompt", "function_call"])
def test_a_failing_model_fails_the_node(mode: str) -> None:
    away = EffectError("no quota", error_type="ProviderFailed", retryable=False)
    done = drive(parse_node(_data(reasoning_mode=mode)), VARIABLES, (away,))
    assert done.error == ("no quota", "ProviderFailed")
    assert done.failure is not None
    assert done.failure.outputs == {
        "__is_success": 0,
        "__reason": "Failed to invoke model",
        "__error": "no quota",
    }


def test_what_was_said_before_is_told_where_there_is_a_memory() -> None:
    history = (("hi", "hello"),)
    done = drive(parse_node(_data(memory={})), VARIABLES, (_said(GOOD),), history=history)
    assert "Human: hi\nAssistant: hello" in str(_calls(done)[0].messages[0].content)


def test_any_query_is_read_as_text() -> None:
    for selector, text in ((["start", "gone"], ""), (["start", "list"], "['a', 1]"), ([], "")):
        node = parse_node(_data(query=list[Value](selector)))
        (call,) = _calls(drive(node, VARIABLES, (_said(GOOD),)))
        assert str(call.messages[-1].content).endswith(f"Text:\n{text}")


PROBLEMS: list[tuple[dict[str, Value], str, str]] = [
    ({"name": ""}, "missing_field", "parameters.0.name"),
    ({"name": "__reason"}, "reserved_name", "parameters.0.name"),
    ({"name": "__is_success"}, "reserved_name", "parameters.0.name"),
    ({"type": "object"}, "unknown_type", "parameters.0.type"),
]


@pytest.mark.parametrize(("change", "code", "field"), PROBLEMS)
def test_a_parameter_that_cannot_be_is_a_problem(
    change: dict[str, Value], code: str, field: str
) -> None:
    parameter: dict[str, Value] = {"name": "p", "type": "string", "required": True, **change}
    node = parse_node(_data(parameter))
    assert [(problem.code, problem.field) for problem in node.problems] == [(code, field)]
