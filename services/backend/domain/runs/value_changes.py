"""Where two JSON values differ: bounded in number, in length and in work."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

MOST_CHANGES = 20
EXCERPT = 200
"""Characters that are shown of a value."""

_MOST_COMPARED = 20_000
_BEFORE_DIFFERENCE = 40
_CUT = "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """`pointer` is a JSON pointer (RFC 6901); `left` and `right` are the beginning of the values as
    JSON, of two texts the part where they begin to differ; None on the side that has none."""

    pointer: str
    kind: Literal["added", "removed", "changed"]
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChanges:
    """`more` True: there are others, or they were not looked for any further."""

    found: tuple[ValueChange, ...] = ()
    more: bool = False


NO_CHANGES = ValueChanges()


def value_changes(left: JsonValue, right: JsonValue, pointer: str = "") -> ValueChanges:
    """From `left` to `right`, in the order of `left`."""
    found: list[ValueChange] = []
    for compared, change in enumerate(_walk(left, right, pointer)):
        if compared >= _MOST_COMPARED:
            return ValueChanges(found=tuple(found), more=True)
        if change is None:
            continue
        if len(found) == MOST_CHANGES:
            return ValueChanges(found=tuple(found), more=True)
        found.append(change)
    return ValueChanges(found=tuple(found))


def _walk(left: JsonValue, right: JsonValue, pointer: str) -> Iterator[ValueChange | None]:
    """None for what was looked at and is equal."""
    pending: list[Iterator[ValueChange | None] | tuple[JsonValue, JsonValue, str]]
    pending = [(left, right, pointer)]
    while pending:
        item = pending.pop()
        if not isinstance(item, tuple):
            yield from item
            continue
        one, other, at = item
        if _same(one, other):
            yield None
        elif isinstance(one, dict) and isinstance(other, dict):
            yield None
            pending.append(_only(one, other, at))
            both = [name for name in one if name in other]
            pending.extend((one[name], other[name], _below(at, name)) for name in reversed(both))
        elif isinstance(one, list) and isinstance(other, list):
            yield None
            pending.append(_tails(one, other, at))
            both_items = [*enumerate(zip(one, other, strict=False))]
            pending.extend((a, b, f"{at}/{place}") for place, (a, b) in reversed(both_items))
        else:
            yield _changed(one, other, at)


def _only(one: dict[str, JsonValue], other: dict[str, JsonValue], at: str) -> Iterator[ValueChange]:
    for name, value in one.items():
        if name not in other:
            yield _removed(value, _below(at, name))
    for name, value in other.items():
        if name not in one:
            yield _added(value, _below(at, name))


def _tails(one: list[JsonValue], other: list[JsonValue], at: str) -> Iterator[ValueChange]:
    for place in range(len(other), len(one)):
        yield _removed(one[place], f"{at}/{place}")
    for place in range(len(one), len(other)):
        yield _added(other[place], f"{at}/{place}")


def _same(one: JsonValue, other: JsonValue) -> bool:
    # To Python True is 1 and 1 is 1.0, also inside of lists and objects.
    return one == other and _json(one) == _json(other)


def _changed(one: JsonValue, other: JsonValue, at: str) -> ValueChange:
    begin = 0
    if isinstance(one, str) and isinstance(other, str):
        begin = max(0, _first_difference(one, other) - _BEFORE_DIFFERENCE)
    return ValueChange(
        pointer=at, kind="changed", left=_excerpt(one, begin), right=_excerpt(other, begin)
    )


def _added(value: JsonValue, at: str) -> ValueChange:
    return ValueChange(pointer=at, kind="added", left=None, right=_excerpt(value))


def _removed(value: JsonValue, at: str) -> ValueChange:
    return ValueChange(pointer=at, kind="removed", left=_excerpt(value), right=None)


def _first_difference(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    low, high = 0, shorter
    # By halves, as comparing pieces is far quicker than comparing characters one by one.
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _excerpt(value: JsonValue, begin: int = 0) -> str:
    if isinstance(value, str):
        cut = value[begin : begin + EXCERPT]
        before = _CUT if begin else ""
        after = _CUT if begin + EXCERPT < len(value) else ""
        return json.dumps(before + cut + after, ensure_ascii=False)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= EXCERPT else text[:EXCERPT] + _CUT


def _json(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _below(at: str, name: str) -> str:
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
