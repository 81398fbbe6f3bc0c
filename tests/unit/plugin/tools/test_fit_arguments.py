import pytest
from pydantic import JsonValue

from services.plugin.domain.tools.fit_arguments import fit_arguments


@pytest.mark.parametrize(
    ("kind", "given", "fitted"),
    [
        ("integer", "7", 7),
        ("integer", "7.5", "7.5"),
        ("integer", "true", "true"),
        ("number", "7.5", 7.5),
        ("number", "seven", "seven"),
        ("boolean", "True", True),
        ("boolean", "0", False),
        ("boolean", "perhaps", "perhaps"),
        ("array", "[1]", [1]),
        ("array", "{}", "{}"),
        ("object", '{"a": 1}', {"a": 1}),
        ("object", "[" * 100_000, "[" * 100_000),
        ("string", "7", "7"),
        ("string", 7, 7),
        ("string", "", ""),
        (["string", "null"], "7", "7"),
    ],
)
def test_text_becomes_what_the_schema_says(
    kind: JsonValue, given: JsonValue, fitted: JsonValue
) -> None:
    schema: dict[str, JsonValue] = {"properties": {"a": {"type": kind}}}
    assert fit_arguments(schema, {"a": given}) == {"a": fitted}


def test_what_was_not_given_is_left_out() -> None:
    schema: dict[str, JsonValue] = {"properties": {"n": {"type": "number"}}}
    assert fit_arguments(schema, {"n": "", "m": None, "extra": "1"}) == {"extra": "1"}
