"""Where two values differ: found wherever it is, and never more than is asked for."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from services.backend.domain.runs.value_changes import EXCERPT, MOST_CHANGES, value_changes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("a/~", max_size=2), inner),
    max_leaves=12,
)


def _at(value: JsonValue, pointer: str) -> JsonValue:
    for step in pointer.split("/")[1:]:
        if isinstance(value, list):
            value = value[int(step)]
        else:
            assert isinstance(value, dict)
            value = value[step.replace("~1", "/").replace("~0", "~")]
    return value


@settings(max_examples=300)
@given(VALUES, VALUES)
def test_every_change_leads_to_what_it_tells(left: JsonValue, right: JsonValue) -> None:
    changes = value_changes(left, right)
    spelled = [json.dumps(value, sort_keys=True) for value in (left, right)]
    assert bool(changes.found) == (spelled[0] != spelled[1])
    for change in changes.found:
        if change.left is not None:
            assert json.loads(change.left) == _at(left, change.pointer)
        if change.right is not None:
            assert json.loads(change.right) == _at(right, change.pointer)


@given(VALUES)
def test_a_value_does_not_differ_from_itself(value: JsonValue) -> None:
    assert value_changes(value, json.loads(json.dumps(value))).found == ()


@pytest.mark.parametrize(
    ("left", "right", "told"),
    [
        ({"a": 1}, {"a": 2}, [("/a", "changed", "1", "2")]),
        ({"a": 1}, {}, [("/a", "removed", "1", None)]),
        ({}, {"a/b": 1}, [("/a~1b", "added", None, "1")]),
        ([1, 2], [1, 2, 3], [("/2", "added", None, "3")]),
        ([1, 2], [1], [("/1", "removed", "2", None)]),
        ({"a": True}, {"a": 1}, [("/a", "changed", "true", "1")]),
        ({"a": [1]}, {"a": {"0": 1}}, [("/a", "changed", "[1]", '{"0": 1}')]),
    ],
)
def test_a_change_says_where_and_what(left: Any, right: Any, told: list[Any]) -> None:
    found = value_changes(left, right).found
    assert [(each.pointer, each.kind, each.left, each.right) for each in found] == told


def test_long_texts_are_cut_around_their_first_difference() -> None:
    same = "x" * 10_000
    (change,) = value_changes({"t": same + "left" + same}, {"t": same + "right" + same}).found
    assert "left" in (change.left or "")
    assert "right" in (change.right or "")
    assert len(change.left or "") < EXCERPT + 20


def test_many_changes_are_told_as_many() -> None:
    many: dict[str, JsonValue] = {str(n): n for n in range(MOST_CHANGES + 1)}
    changes = value_changes(many, {})
    assert (len(changes.found), changes.more) == (MOST_CHANGES, True)
    few = dict(list(many.items())[:MOST_CHANGES])
    assert value_changes(few, {}).more is False


def test_large_values_are_not_looked_at_for_ever() -> None:
    left: Any = [[n] for n in range(100_000)]
    right: Any = [[n] for n in range(100_000)]
    right[-1] = [-1]
    assert value_changes(left, right).more is True
    assert value_changes(left, left).more is False
