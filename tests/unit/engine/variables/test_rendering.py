import pytest

from services.engine.domain.variables.pool import VariablePool
from services.engine.domain.variables.rendering import render_markdown, render_text
from services.engine.domain.variables.selectors import parse_selector
from services.engine.domain.variables.template_text import parse_template_text
from services.engine.domain.variables.types import ValueType, infer_type
from services.engine.domain.variables.values import MISSING, Value
from tests.unit.engine.node_driver import pool_of

_WEB = "https://x.test/a.png"
IMAGE: Value = {"type": "image", "transfer_method": "remote_url", "url": _WEB}
LETTER: Value = {
    "dify_model_identity": "__dify__file__",
    "type": "document",
    "filename": "b.pdf",
    "remote_url": "https://x.test/2",
}

SHOWN: list[tuple[Value, str, str]] = [
    (None, "", ""),
    ("é", "é", "é"),
    (True, "True", "True"),
    (1.0, "1.0", "1.0"),
    (7, "7", "7"),
    ({"k": "é"}, '{"k": "é"}', '{\n  "k": "é"\n}'),
    ({}, "{}", "{}"),
    ([], "", ""),
    (["a", "é"], '["a", "é"]', "- a\n- é"),
    ([1, 2.5], "[1, 2.5]", "- 1\n- 2.5"),
    ([{"a": 1}], "[{'a': 1}]", "- {'a': 1}"),
    ([None, "v"], "[None, 'v']", "- None\n- v"),
    ([[1], [2]], "[[1], [2]]", "- [1]\n- [2]"),
    (IMAGE, "", f"![a.png]({_WEB})"),
    ([IMAGE, LETTER], "", f"![a.png]({_WEB})\n[b.pdf](https://x.test/2)"),
]


@pytest.mark.parametrize(("value", "text", "markdown"), SHOWN)
def test_a_value_is_shown_to_machines_and_to_people(value: Value, text: str, markdown: str) -> None:
    assert (render_text(value), render_markdown(value)) == (text, markdown)


TYPES: list[tuple[Value, ValueType]] = [
    (True, ValueType.BOOLEAN),
    (1, ValueType.INTEGER),
    ([1, 2.5], ValueType.ARRAY_NUMBER),
    ([True, False], ValueType.ARRAY_BOOLEAN),
    ([1, True], ValueType.ARRAY_ANY),
    ([1, "a"], ValueType.ARRAY_ANY),
    ([[1]], ValueType.ARRAY_ANY),
    ([None], ValueType.ARRAY_ANY),
    ([], ValueType.ARRAY_ANY),
    ([{}], ValueType.ARRAY_OBJECT),
    (LETTER, ValueType.FILE),
    ([IMAGE, LETTER], ValueType.ARRAY_FILE),
    ({"type": ["image"], "transfer_method": "remote_url"}, ValueType.OBJECT),
    (None, ValueType.NONE),
]


@pytest.mark.parametrize(("value", "expected"), TYPES)
def test_the_type_of_a_value(value: Value, expected: ValueType) -> None:
    assert infer_type(value) is expected


def test_a_template_shows_what_it_finds_and_the_path_of_what_it_does_not() -> None:
    pool = pool_of({"c": {"o": {"k": "é", "z": None}, "l": [1]}, "sys": {"query": "hi"}})
    template = parse_template_text(
        "{{#c.o.k#}}|{{#c.o.z#}}|{{#c.o.q#}}|{{#c.l.k#}}|{{#c.zz#}}|{{#no.x#}}|{{#sys.query#}}"
    )
    assert template.render(pool) == "é||c.o.q|c.l.k|c.zz|no.x|hi"
    assert template.references[0] == ("c", "o", "k")


@pytest.mark.parametrize(
    "text", ["{{# a.b #}}", "{{#a#}}", "{{#a-b.c#}}", "{{#a.1b#}}", "{{a.b}}", "{{#context#}}"]
)
def test_what_is_no_reference_stays(text: str) -> None:
    assert parse_template_text(text).render(VariablePool()) == text


def test_selectors_as_files_spell_them() -> None:
    assert parse_selector(["a", "b", "c"]) == ("a", "b", "c")
    assert parse_selector(["sys.query"]) == ("sys", "query")
    assert parse_selector([]) is None
    assert parse_selector(["a", 1]) is None
    assert parse_selector("a.b") is None


def test_a_frame_reads_through_and_writes_its_own() -> None:
    parent = pool_of({"a": {"x": 1, "y": 2}})
    frame = VariablePool(parent)
    frame.put("a", "x", 10)
    assert (frame.get(("a", "x")), frame.get(("a", "y")), parent.get(("a", "x"))) == (10, 2, 1)
    assert dict(frame.names("a")) == {"x": 10, "y": 2}
    frame.clear("a")
    assert frame.get(("a", "x")) == 1
    assert frame.get(("b", "x")) is MISSING
