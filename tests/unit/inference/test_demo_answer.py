import json

from deploy.local.layout import CHECKOUT
from libs.common.clock import SystemClock
from libs.common.contracts.chat import (
    ChatCall,
    ChatMessage,
    JsonSchemaFormat,
    TextPart,
    ToolDefinition,
)
from services.inference.app.ports.chat_wire import OpenedCredential, UpstreamCall
from services.inference.domain.chat.upstream_part import TokenCount
from services.inference.domain.demo.answer import demo_answer
from services.inference.infra.sheets.yaml_sheets import load_catalogue
from services.inference.infra.wires.demo import DemoWire

_TICKET = (
    "Text: Hello, invoice INV-20931 was charged twice, please refund it soon. "
    "Write to ada@example.org. It happened on 2026-03-04."
)


def _call(
    text: str,
    *,
    system: str = "",
    tools: tuple[ToolDefinition, ...] = (),
    response_format: JsonSchemaFormat | None = None,
) -> ChatCall:
    messages = [ChatMessage(role="user", content=text)]
    if system:
        messages.insert(0, ChatMessage(role="system", content=system))
    return ChatCall(
        model="demo/demo-chat",
        messages=tuple(messages),
        tools=tools,
        response_format=response_format,
    )


def test_a_prompt_with_labels_and_fields_is_classified_and_extracted() -> None:
    system = (
        "Labels: technical (error, crash), billing (invoice, refund, charge), other\n"
        "Extract: email, invoice, date, phone"
    )
    answer = demo_answer(_call(_TICKET, system=system))
    assert answer.text.splitlines() == [
        "category: billing",
        "email: ada@example.org",
        "invoice: INV-20931",
        "date: 2026-03-04",
        "phone: unknown",
    ]


def test_a_schema_is_filled_from_the_text() -> None:
    schema = JsonSchemaFormat(
        json_schema={
            "type": "object",
            "properties": {
                "category": {
                    "enum": ["technical", "billing"],
                    "description": "technical: error, crash; billing: refund, invoice",
                },
                "email": {"type": "string"},
                "invoice": {"type": "string"},
                "urgent": {"type": "boolean"},
            },
        }
    )
    answer = json.loads(demo_answer(_call(_TICKET, response_format=schema)).text)
    assert answer == {
        "category": "billing",
        "email": "ada@example.org",
        "invoice": "INV-20931",
        "urgent": True,
    }


def test_the_offered_tool_whose_name_fits_is_called() -> None:
    tools = (
        ToolDefinition(name="current_time", description="the time now"),
        ToolDefinition(
            name="refund",
            description="refund an invoice",
            parameters={"type": "object", "properties": {"invoice": {"type": "string"}}},
        ),
    )
    answer = demo_answer(_call(_TICKET, tools=tools))
    assert answer.tool == "refund"
    assert json.loads(answer.arguments) == {"invoice": "INV-20931"}


def test_a_category_of_a_list_is_chosen_by_its_words() -> None:
    listed = json.dumps(
        [
            {"category_id": "1", "category_name": "Technical errors"},
            {"category_id": "2", "category_name": "Invoices and refunds"},
        ]
    )
    answer = demo_answer(_call(f"Categories: {listed}\nInstructions: be exact\n{_TICKET}"))
    assert json.loads(answer.text) == {
        "category_id": "2",
        "category_name": "Invoices and refunds",
    }
    lost = demo_answer(_call(f"Categories: {listed}\nText:\nGood morning"))
    assert json.loads(lost.text)["category_id"] == "1"


def test_a_schema_in_the_prompt_is_filled_from_the_text() -> None:
    schema = {
        "type": "object",
        "properties": {
            "email": {"type": "string"},
            "dates": {"type": "array", "items": {"type": "string"}},
        },
    }
    answer = demo_answer(_call(f"JSON Schema: {json.dumps(schema)}\n{_TICKET}"))
    assert json.loads(answer.text) == {"email": "ada@example.org", "dates": ["2026-03-04"]}


def test_lines_that_are_no_json_are_no_task() -> None:
    text = "Categories: [a, b]\nJSON Schema: {x}\nText:\nGood morning."
    assert demo_answer(_call(text)).text == "You wrote: Good morning. (2 words)"


def test_without_a_task_the_text_is_summed_up() -> None:
    assert demo_answer(_call("Good morning. All well?")).text == (
        "You wrote: Good morning. (4 words)"
    )


def test_a_sentence_without_end_is_cut() -> None:
    answer = demo_answer(_call("word " * 400_000))
    assert answer.text.endswith("(400000 words)")
    assert len(answer.text) < 300


async def test_a_long_answer_comes_in_large_pieces() -> None:
    told = ChatMessage(role="tool", content="word " * 400_000, tool_call_id="c")
    call = ChatCall(model="demo/demo-chat", messages=(told,))
    sheets = load_catalogue(CHECKOUT / "services" / "inference" / "providers")
    model = sheets.resolve("demo/demo-chat")
    credential = OpenedCredential(base_url=None, values={})
    upstream = UpstreamCall(model=model, call=call, credential=credential, idempotency_key="")
    parts = [part async for part in DemoWire(SystemClock()).chat(upstream)]
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    assert "".join(texts) == demo_answer(call).text
    assert len(texts) < 1_000
    assert TokenCount(prompt=400_000, completion=400_003) in parts
