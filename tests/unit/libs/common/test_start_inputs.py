"""Declared inputs are checked and coerced; the others pass."""

from typing import Any

import pytest

from libs.common.contracts.start_inputs import InputRefused, checked_inputs


def checked(variable: dict[str, Any], **given: Any) -> Any:
    return checked_inputs([{"variable": "x", **variable}], given).get("x")


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ({"type": "number"}, "3", 3),
        ({"type": "number"}, "3.5", 3.5),
        ({"type": "number"}, " ", None),
        ({"type": "number"}, 2.0, 2.0),
        ({"type": "paragraph"}, "a\0b", "ab"),
        ({"type": "checkbox"}, "Yes", True),
        ({"type": "checkbox"}, 0, False),
        ({"type": "select", "options": ["a", "b"]}, "b", "b"),
        ({"type": "json_object"}, {"a": 1}, {"a": 1}),
        ({"type": "file-list"}, [{"type": "image"}], [{"type": "image"}]),
        ({"type": "text-input", "default": "d"}, None, "d"),
        ({"type": "text-input", "required": True, "default": "d"}, None, "d"),
        ({"type": "text-input"}, None, None),
        ({"type": "external_data_tool"}, 7, 7),
    ],
)
def test_values_are_taken_as_declared(variable: dict[str, Any], value: Any, expected: Any) -> None:
    found = checked(variable, x=value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ({"type": "text-input", "required": True}, None, "x is required in input form"),
        ({"type": "text-input"}, 3, "(type 'text-input') x in input form must be a string"),
        ({"type": "paragraph", "max_length": 2}, "abc", "must be less than 2 characters"),
        ({"type": "select", "options": ["a"]}, "b", "must be one of the following: ['a']"),
        ({"type": "number"}, "many", "x in input form must be a valid number"),
        ({"type": "number"}, True, "x in input form must be a valid number"),
        ({"type": "checkbox"}, "maybe", "x in input form must be a boolean value"),
        ({"type": "json_object"}, "{}", "x in input form must be a dict"),
        ({"type": "file"}, "f", "x in input form must be a file"),
        ({"type": "file-list"}, {"type": "image"}, "x in input form must be a list of files"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    variable: dict[str, Any], value: Any, words: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        checked(variable, x=value)
    assert words in refused.value.message
    assert refused.value.details[0].pointer == "/inputs/x"


def test_undeclared_inputs_pass_untouched() -> None:
    assert checked_inputs([], {"y": {"deep": [1]}}) == {"y": {"deep": [1]}}
