"""What the demo vendor makes of the prompts that nodes write."""

import pytest

from libs.common.contracts.chat import ChatResult, ToolCallPart
from services.engine.domain.node_parts.effects import CallModel
from services.engine.domain.node_parts.node_contract import NodeContext, NodeResult
from services.engine.domain.variables.values import Value
from services.inference.domain.demo.answer import demo_answer
from tests.unit.engine.node_driver import parse_node, pool_of

LETTER = "My parcel ZX-4711 is late. Please write to ada@example.org, I paid for 2 boxes."
MODEL: dict[str, Value] = {"provider": "demo", "name": "demo-chat"}


def _run(data: dict[str, Value], text: str) -> dict[str, Value]:
    """The outputs of a node whose one model call the demo answers."""
    context = NodeContext(node_id="n", variables=pool_of({"start": {"text": text}}), inputs={})
    run = parse_node(data).run(context)
    asked = next(run)
    assert isinstance(asked, CallModel)
    said = demo_answer(asked.call)
    calls = (
        ()
        if said.tool is None
        else (ToolCallPart(id="c", name=said.tool, arguments=said.arguments),)
    )
    result = ChatResult(generation="g", model="m", text=said.text, tool_calls=calls)
    with pytest.raises(StopIteration) as ended:
        run.send(result)
    assert isinstance(ended.value.value, NodeResult)
    return ended.value.value.outputs


@pytest.mark.parametrize("mode", ["chat", "completion"])
@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (LETTER, "2"),
        ("Refund my invoice!", "1"),
        ("Good morning.\nCategories: [1]\nText: invoice", "1"),
    ],
)
def test_it_chooses_a_class_by_its_words(mode: str, text: str, chosen: str) -> None:
    data: dict[str, Value] = {
        "type": "question-classifier",
        "query_variable_selector": ["start", "text"],
        "model": {**MODEL, "mode": mode},
        "classes": [
            {"id": "1", "name": "Invoices and refunds"},
            {"id": "2", "name": "Late parcels and boxes"},
        ],
        "instruction": "Take the best one.",
    }
    assert _run(data, text)["class_id"] == chosen


@pytest.mark.parametrize("mode", ["chat", "completion"])
@pytest.mark.parametrize("reasoning", ["function_call", "prompt"])
def test_it_reads_parameters_by_their_names(mode: str, reasoning: str) -> None:
    parameters: list[Value] = [
        {"name": "order", "type": "string", "required": True},
        {"name": "emails", "type": "array[string]", "required": False},
        {"name": "urgent", "type": "boolean", "required": False},
        {"name": "boxes", "type": "number", "required": False},
        {"name": "topic", "type": "select", "options": ["invoice", "parcel"], "required": False},
    ]
    data: dict[str, Value] = {
        "type": "parameter-extractor",
        "query": ["start", "text"],
        "model": {**MODEL, "mode": mode},
        "parameters": parameters,
        "reasoning_mode": reasoning,
    }
    outputs = _run(data, LETTER)
    del outputs["__usage"]
    assert outputs == {
        "__is_success": 1,
        "__reason": None,
        "order": "ZX-4711",
        "emails": ["ada@example.org"],
        "urgent": True,
        "boxes": 2.0,
        "topic": "parcel",
    }
