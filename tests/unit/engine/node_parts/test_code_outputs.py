import pytest

from services.engine.domain.node_parts.code_outputs import CodeOutputError, parse_code_outputs
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.values import Value


def _check(value: Value, declared: Value) -> Value:
    outputs = parse_code_outputs(SettingsReader({"outputs": {"r": declared}}))
    return outputs.check({"r": value})["r"]


MANY: list[Value] = [1 for _ in range(1000)]
TOO_MANY: list[Value] = ["a" for _ in range(31)]
ACCEPTED: list[tuple[Value, str, Value]] = [
    (None, "string", None),
    ("a\0b", "string", "ab"),
    (True, "number", 1),
    (1.5, "number", 1.5),
    ([1, True], "array[number]", [1, 1]),
    (["a", None], "array[string]", ["a", None]),
    ([{"a": 1}, None], "array[object]", [{"a": 1}, None]),
    ([True], "array[boolean]", [True]),
    ({"a": {"b": [1]}}, "object", {"a": {"b": [1]}}),
    (MANY, "array[number]", MANY),
]


@pytest.mark.parametrize(("value", "kind", "expected"), ACCEPTED)
def test_a_fitting_value_passes(value: Value, kind: str, expected: Value) -> None:
    checked = _check(value, {"type": kind})
    assert checked == expected
    assert type(checked) is type(expected)


REFUSED: list[tuple[Value, str, str]] = [
    ("1", "number", "Output r is not a number, got <class 'str'> instead."),
    ([], "object", "Output r is not an object, got <class 'list'> instead."),
    ("x", "array[string]", "Output r is not an array, got <class 'str'> instead."),
    ([1], "array[string]", "Output r[0] must be a string, got int instead."),
    (["a"], "array[object]", "Output r[0] is not an object, got <class 'str'> instead at index 0."),
    ([1, None], "array[number]", "The element at index 1 of output variable `r` must be a number."),
    ([1], "array[boolean]", "Output r[0] is not a boolean, got <class 'int'> instead."),
    (
        TOO_MANY,
        "array[string]",
        "The length of output variable `r` must be less than 30 elements.",
    ),
    (
        "x" * 400_001,
        "string",
        "The length of output variable `r` must be less than 400000 characters",
    ),
    (
        2**63,
        "number",
        (
            "Output variable `r` is out of range, it must be between "
            "-9223372036854775808 and 9223372036854775807."
        ),
    ),
    (
        10**400,
        "number",
        (
            "Output variable `r` is out of range, it must be between "
            "-9223372036854775808 and 9223372036854775807."
        ),
    ),
    (
        1e-25,
        "number",
        "Output variable `r` has too high precision, it must be less than 20 digits.",
    ),
    (
        {"a": {"a": {"a": {"a": {"a": {}}}}}},
        "object",
        "Depth limit 5 reached, object too deep.",
    ),
    (
        {"a": [1, "a"]},
        "object",
        "Output r.a is not a valid array. make sure all elements are of the same type.",
    ),
]


@pytest.mark.parametrize(("value", "kind", "error"), REFUSED)
def test_a_value_that_does_not_fit_is_refused_in_known_words(
    value: Value, kind: str, error: str
) -> None:
    with pytest.raises(CodeOutputError) as caught:
        _check(value, {"type": kind})
    assert str(caught.value) == error


def test_children_are_checked_by_path() -> None:
    declared: Value = {"type": "array[object]", "children": {"x": {"type": "string"}}}
    with pytest.raises(CodeOutputError, match=r"Output r\[0\].x is missing\."):
        _check([{}], declared)


def test_an_unknown_type_is_a_problem() -> None:
    settings = SettingsReader({"outputs": {"r": {"type": "file"}}})
    parse_code_outputs(settings)
    assert [problem.field for problem in settings.problems] == ["outputs.r.type"]
