import pytest

from services.engine.domain.node_parts.default_values import (
    DefaultValueInvalid,
    parse_default_value,
)
from services.engine.domain.variables.values import Value

READ: list[tuple[str, Value, Value]] = [
    ("string", "dv", "dv"),
    ("number", "7", 7.0),
    ("number", 7, 7),
    ("object", '{"a": 1}', {"a": 1}),
    ("object", {"a": 1}, {"a": 1}),
    ("array[string]", '["a"]', ["a"]),
    ("array[number]", '["1", 2]', [1.0, 2]),
    ("array[object]", [{"a": 1}], [{"a": 1}]),
    ("array[boolean]", "[true]", [True]),
]


@pytest.mark.parametrize(("value_type", "raw", "expected"), READ)
def test_a_default_is_read_as_its_type(value_type: str, raw: Value, expected: Value) -> None:
    read = parse_default_value(value_type, raw)
    assert read == expected
    assert type(read) is type(expected)


WRONG: list[tuple[str, Value]] = [
    ("string", 1),
    ("number", "x"),
    ("number", True),
    ("object", "[1]"),
    ("object", "{"),
    ("array[string]", "[1]"),
    ("array[string]", "x"),
    ("array[object]", '["a"]'),
]


@pytest.mark.parametrize(("value_type", "raw"), WRONG)
def test_a_default_that_does_not_fit_is_refused(value_type: str, raw: Value) -> None:
    with pytest.raises(DefaultValueInvalid):
        parse_default_value(value_type, raw)
