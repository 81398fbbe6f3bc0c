import json

import pytest

from libs.common.contracts.chat import ChatCall, ChatResult, Usage
from services.engine.domain.node_parts.effects import CallModel, EffectError
from services.engine.domain.variables.values import Value
from tests.unit.engine.node_driver import Drive, drive, parse_node

CLASSES: Value = [
    {"id": "7", "name": "Refunds for {{#start.shop#}}", "label": "Money"},
    {"id": "8", "name": "Delivery"},
]
VARIABLES: dict[str, dict[str, Value]] = {
    "start": {"shop": "Teapots Ltd", "text": "Where is my parcel?", "n": 5},
    "sys": {"user_id": "ada"},
}
FIRST = ("7", "Refunds for Teapots Ltd", "Money")
SECOND = ("8", "Delivery", "CLASS 2")


def _data(**data: Value) -> dict[str, Value]:
    return {
        "type": "question-classifier",
        "query_variable_selector": ["start", "text"],
        "model": {
            "provider": "langgenius/openai/openai",
            "name": "gpt",
            "mode": "chat",
            "completion_params": {"temperature": 0},
        },
        "classes": CLASSES,
        **data,
    }


def _answered(text: str) -> ChatResult:
    usage = Usage(total_tokens=12, total_price="0.5")
    return ChatResult(generation="g", model="m", text=text, usage=usage)


def _classified(text: str) -> Drive:
    return drive(parse_node(_data()), VARIABLES, (_answered(text),))


def _call(done: Drive) -> ChatCall:
    (request,) = done.requests
    assert isinstance(request, CallModel)
    assert request.selector is None, "a classifier's answer is nobody's text"
    return request.call


def _texts(done: Drive) -> list[str]:
    return [str(message.content) for message in _call(done).messages]


GOOD = '{"category_id": "8", "category_name": "Delivery"}'
ANSWERS: list[tuple[str, tuple[str, str, str]]] = [
    (GOOD, SECOND),
    (f"```json\n{GOOD}\n```", SECOND),
    (f"```\n{GOOD}\n```\nThe parcel is meant.", SECOND),
    (f"The text asks about {{delivery}}, so:\n{GOOD} I hope this helps {{really}}.", SECOND),
    (f"[{GOOD}]", SECOND),
    (f'<think>Is it {{"category_id": "7", "category_name": "x"}}?</think>\n{GOOD}', SECOND),
    (f'{{"keywords": ["parcel"]}}\n{GOOD}', SECOND),
    ('{"category_id": "8", "category_name": "spelled {otherwise"}', SECOND),
    ('{"category_id": "9", "category_name": "Delivery"}', FIRST),
    ('{"category_id": 8, "category_name": "Delivery"}', FIRST),
    ('{"category_id": null, "category_name": null}', FIRST),
    ('{"category_id": "8"}', FIRST),
    ('{"category_id": "8", "category_name": "Deliv', FIRST),
    ("Delivery", FIRST),
    ("", FIRST),
]


@pytest.mark.parametrize(("answer", "chosen"), ANSWERS)
def test_the_answer_names_the_branch_and_an_unreadable_one_the_first(
    answer: str, chosen: tuple[str, str, str]
) -> None:
    done = _classified(answer)
    assert done.result is not None
    outputs = done.outputs
    assert (outputs["class_id"], outputs["class_name"], outputs["class_label"]) == chosen
    assert done.result.handle == chosen[0]


def test_the_model_is_told_the_classes_the_instruction_and_the_text() -> None:
    node = parse_node(_data(instruction="Mind {{#start.shop#}} and {{#gone.x#}}."))
    done = drive(node, VARIABLES, (_answered(GOOD),))
    call = _call(done)
    assert (call.model, call.parameters, call.user) == ("openai/gpt", {"temperature": 0}, "ada")
    lines = _texts(done)[-1].split("\n")
    assert json.loads(lines[0].removeprefix("Categories: ")) == [
        {"category_id": "7", "category_name": "Refunds for Teapots Ltd"},
        {"category_id": "8", "category_name": "Delivery"},
    ]
    assert lines[1:] == [
        "Instructions: Mind Teapots Ltd and gone.x.",
        "Text:",
        "Where is my parcel?",
    ]
    roles = [message.role for message in call.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


def test_what_was_said_before_is_told_where_there_is_a_memory() -> None:
    history = (("old question", "old answer"), ("hi", "hello"))
    window: Value = {"window": {"enabled": True, "size": 1}}
    remembering = parse_node(_data(memory=window))
    for node, told in ((remembering, True), (parse_node(_data()), False)):
        done = drive(node, VARIABLES, (_answered(GOOD),), history=history)
        assert ("Human: hi\nAssistant: hello" in _texts(done)[0]) is told
        assert "old question" not in _texts(done)[0]


def test_a_model_that_continues_text_is_given_one() -> None:
    data = _data(model={"provider": "openai", "name": "gpt", "mode": "completion"})
    done = drive(parse_node(data), VARIABLES, (_answered(GOOD),))
    (text,) = _texts(done)
    assert "Text:\nWhere is my parcel?" in text
    assert done.outputs["class_id"] == "8"


def test_a_run_counts_what_the_call_cost_and_the_trace_shows_it() -> None:
    result = _classified(GOOD).result
    assert result is not None
    assert result.outputs["usage"] == Usage(total_tokens=12, total_price="0.5").model_dump()
    assert result.metadata == {"total_tokens": 12, "total_price": "0.5", "currency": "USD"}
    assert result.inputs == {
        "query": "Where is my parcel?",
        "model_provider": "openai",
        "model_name": "gpt",
    }
    assert result.process_data["finish_reason"] == "stop"
    assert isinstance(result.process_data["prompts"], list)


@pytest.mark.parametrize(
    ("selector", "query", "text"),
    [(["start", "gone"], None, ""), (["start", "n"], 5, "5"), ([], None, "")],
)
def test_any_query_is_classified(selector: Value, query: Value, text: str) -> None:
    node = parse_node(_data(query_variable_selector=selector))
    done = drive(node, VARIABLES, (_answered(GOOD),))
    assert done.result is not None
    assert done.result.inputs["query"] == query
    assert _texts(done)[-1].endswith(f"Text:\n{text}")


def test_a_failing_model_fails_the_node() -> None:
    refused = EffectError("no quota", error_type="ProviderFailed", retryable=False)
    done = drive(parse_node(_data()), VARIABLES, (refused,))
    assert done.error == ("no quota", "ProviderFailed")
    assert done.failure is not None
    assert done.failure.inputs["query"] == "Where is my parcel?"


def test_without_classes_it_may_stand_in_a_graph_and_fails_when_it_runs() -> None:
    node = parse_node(_data(classes=[]))
    assert [(p.code, p.severity) for p in node.problems] == [("missing_field", "warning")]
    assert drive(node, VARIABLES).error[0] == "There is no class to choose."


def test_all_that_is_read_is_named() -> None:
    node = parse_node(_data(instruction="{{#a.b#}}"))
    assert node.references == (("start", "text"), ("a", "b"), ("start", "shop"))
